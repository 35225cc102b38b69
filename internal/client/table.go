package client

import (
	"runtime"
	"sync"
	"weak"

	"github.com/redis/go-redis/v9"
)

// A Table has one T for each client, for as long as somebody refers to that. It is held weakly, as
// executors are. The zero Table is ready for use.
type Table[T any] struct {
	mu sync.Mutex
	of map[any]weak.Pointer[T] // by Key
}

// Of returns the T of a client, a zero one to begin with. A client that cannot be compared has
// another one for each call.
func (t *Table[T]) Of(client redis.UniversalClient) *T {
	key, ok := Key(client)
	if !ok {
		return new(T)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if v := t.of[key].Value(); v != nil {
		return v
	}
	v := new(T)
	if t.of == nil {
		t.of = make(map[any]weak.Pointer[T])
	}
	t.of[key] = weak.Make(v)
	runtime.AddCleanup(v, t.forget, key)
	return v
}

// forget removes what is no more.
func (t *Table[T]) forget(key any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of[key].Value() == nil {
		delete(t.of, key)
	}
}
