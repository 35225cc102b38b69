package hashmap_test

import (
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

var raceEnabled bool // the race detector allocates on its own account

// allocs checks the number of allocations of f.
func allocs(t *testing.T, what string, want float64, f func() error) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector changes the number of allocations")
	}
	if got := testing.AllocsPerRun(100, func() {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}); got != want {
		t.Errorf("%s: %v allocations, want %v", what, got, want)
	}
}

func TestAllocs(t *testing.T) {
	var w codec.Wire
	allocs(t, "encode", 0, func() error { w.Reset("user:42"); return accounts.Encode(&w, &ann) })
	var a account
	allocs(t, "decode: the strings", 4, func() error { a = account{}; return accounts.Decode(&w, &a) })

	reversed := new(codec.Wire)
	for i := range w.Len() {
		reversed.Add(w.Name(w.Len()-1-i), w.Value(w.Len()-1-i))
	}
	reversed.Add([]byte("unknown"), nil)
	allocs(t, "decode in another order: the strings", 4, func() error { a = account{}; return accounts.Decode(reversed, &a) })

	type pointers struct {
		Int, None *int
		Text      *string
		*origin
		UUID int `redis:",omitempty"`
	}
	n, s := 1000, "text"
	p, m := pointers{Int: &n, Text: &s, origin: &origin{Hops: &n}, UUID: 1}, hashmap.MustOf[pointers]()
	allocs(t, "encode pointers", 0, func() error { w.Reset(""); return m.Encode(&w, &p) })
	var back pointers
	allocs(t, "decode pointers: each, and a string", 5, func() error { back = pointers{}; return m.Decode(&w, &back) })

	mp := hashmap.MustOf[*account]()
	ap := &ann
	allocs(t, "encode a pointer", 0, func() error { w.Reset(""); return mp.Encode(&w, &ap) })
	var to *account
	allocs(t, "decode a pointer: it and the strings", 5, func() error { return mp.Decode(&w, &to) })
}

func TestAllocsOfHandles(t *testing.T) {
	f, err := hashmap.FieldOf[int64](accounts, "id")
	if err != nil {
		t.Fatal(err)
	}
	var id int64
	src := []byte("123456")
	dst := make([]byte, 0, 32)
	allocs(t, "Into", 0, func() error { return f.Into(&id).ParseField(src) })
	allocs(t, "To: its value", 1, func() error { _, _, err := f.To(id).AppendField(dst); return err })
}
