package store_test

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

type user struct {
	Name string
	Age  int64
}

func TestValuesAreGolden(t *testing.T) {
	got := map[string]string{
		`Text[string] "héllo"`:                 encoded(t, codec.Text[string](), "héllo"),
		`Text[int64] -42`:                      encoded(t, codec.Text[int64](), -42),
		`Text[time.Duration] 90 * time.Second`: encoded(t, codec.Text[time.Duration](), 90*time.Second),
		`JSON[user] user{"Ann", 42}`:           encoded(t, codec.JSON[user](), user{"Ann", 42}),
		`Msgpack[user] user{"Ann", 42}`:        encoded(t, codec.Msgpack[user](), user{"Ann", 42}),
		`Compress(Text[string]) "héllo"`:       encoded(t, codec.Compress(codec.Text[string](), codec.Zstd, 10), "héllo"),
	}
	rows := redistest.FormatTable(t, "| codec | Go value | bytes |")
	for _, row := range rows {
		name := row[0] + " " + row[1]
		if got[name] != row[2] {
			t.Errorf("%s is %q, want %q", name, got[name], row[2])
		}
	}
	if len(rows) != len(got) {
		t.Errorf("%d rows, want %d", len(rows), len(got))
	}
}

func encoded[V any](t *testing.T, c codec.Codec[V], v V) string {
	t.Helper()
	var w codec.Wire
	if err := c.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	b, err := w.Sole()
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// What a hash, list, set or sorted set is stored by, and so what it holds.
func TestCommandsAreGolden(t *testing.T) {
	got := map[string]string{
		"List(Text[int]) []int{30, 10, 30}":                            storing(t, codec.List(codec.Text[int]()), []int{30, 10, 30}),
		`Set(Text[string]) map[string]struct{}{"red": {}, "blue": {}}`: storing(t, codec.Set(codec.Text[string]()), map[string]struct{}{"red": {}, "blue": {}}),
		`SortedSet(Text[string]) []Scored[string]{{"Ann", 12.5}, {"Bob", math.Inf(-1)}, {"Cid", 1e20}}`: storing(t, codec.SortedSet(codec.Text[string]()),
			[]codec.Scored[string]{{Elem: "Ann", Score: 12.5}, {Elem: "Bob", Score: math.Inf(-1)}, {Elem: "Cid", Score: 1e20}}),
		`List(JSON[user]) []user{{"Ann", 42}}`: storing(t, codec.List(codec.JSON[user]()), []user{{"Ann", 42}}),
		`hashmap.Of[user] user{"Ann", 42}`:     storing(t, codec.Codec[user](hashmap.MustOf[user]()), user{"Ann", 42}),
	}
	rows := redistest.FormatTable(t, "| codec | Go value | command |")
	for _, row := range rows {
		name := row[0] + " " + row[1]
		if got[name] != row[2] {
			t.Errorf("%s is stored by %q, want %q", name, got[name], row[2])
		}
	}
	if len(rows) != len(got) {
		t.Errorf("%d rows, want %d", len(rows), len(got))
	}
}

// storing is the command by which a value is stored.
func storing[V any](t *testing.T, c codec.Codec[V], v V) (command string) {
	t.Helper()
	env := redistest.Mini(t)
	env.Client.AddHook(hook{heard: func(cmds ...redis.Cmder) {
		for _, cmd := range cmds {
			if cmd.Name() != "evalsha" { // script, hash, 2, two keys, life, no marker; then the command
				continue
			}
			args := cmd.Args()
			words := []string{strings.ToUpper(args[7].(string)), args[3].(string)}
			for _, arg := range args[8:] {
				if b, ok := arg.([]byte); ok {
					arg = string(b)
				}
				words = append(words, arg.(string))
			}
			command = strings.Join(words, " ")
		}
	}})
	e := new(store.Entry)
	e.Wire.Reset("k")
	if err := c.Encode(&e.Wire, &v); err != nil {
		t.Fatal(err)
	}
	if err := newStore(t, env.Client, c.Shape()).Put(t.Context(), deadline(), "k", e, time.Hour); err != nil {
		t.Fatal(err)
	}
	return command
}
