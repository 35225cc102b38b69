package codec

import (
	"bytes"
	"slices"
	"testing"
)

func keep(w *Wire, name, value string) {
	w.Keep([]byte(name), append(w.Scratch(), value...))
}

func TestWireReusesItsArena(t *testing.T) {
	var w Wire
	fill := func() {
		w.Reset("k")
		for range 100 {
			w.Keep(nil, append(w.Scratch(), "some bytes"...))
		}
	}
	fill()
	fill() // the first use grew the arena in steps
	if n := testing.AllocsPerRun(100, fill); n != 0 {
		t.Errorf("%v allocations in a grown wire, want 0", n)
	}
}

func TestWireKeepsSpansWhileItGrows(t *testing.T) {
	var w Wire
	w.Reset("k")
	for i := range 200 {
		w.Keep(nil, append(w.Scratch(), bytes.Repeat([]byte{byte(i)}, i)...))
	}
	for i := range 200 {
		if want := bytes.Repeat([]byte{byte(i)}, i); !bytes.Equal(w.Value(i), want) {
			t.Fatalf("span %d is %x", i, w.Value(i))
		}
	}
}

func TestWireValuesCannotGrowIntoEachOther(t *testing.T) {
	var w Wire
	for range 2 { // the second time both lie in the arena
		w.Reset("k")
		keep(&w, "", "first")
		keep(&w, "", "second")
	}
	_ = append(w.Value(0), "XXXXXX"...)
	if got := string(w.Value(1)); got != "second" {
		t.Errorf("appending to span 0 made span 1 %q", got)
	}
}

func TestWireNeverWritesIntoLentMemory(t *testing.T) {
	lent := []byte("lent and more")
	var w Wire
	for range 2 { // the second time there is an arena
		w.Reset("k")
		w.Add([]byte("name"), lent[:4])
		keep(&w, "other", "x")
		w.Keep([]byte("name"), lent[:4]) // a value that ignored Scratch
		keep(&w, "other", "x")
	}
	if string(lent) != "lent and more" {
		t.Errorf("lent memory is now %q", lent)
	}
}

func TestWireResetDropsBigMemory(t *testing.T) {
	var w Wire
	w.Keep(nil, make([]byte, maxKept+1))
	for range maxKeptSpans + 1 {
		w.Add(nil, nil)
	}
	w.Reset("k")
	if cap(w.Scratch()) != maxKept || w.spans != nil {
		t.Errorf("after a big value %d bytes and %d spans stay", cap(w.Scratch()), cap(w.spans))
	}
}

func TestWireResetForgetsLentMemory(t *testing.T) {
	var w Wire
	w.Add([]byte("name"), []byte("value"))
	w.Reset("k")
	if s := w.spans[:1][0]; s.name != nil || s.value != nil {
		t.Errorf("an empty wire still holds %q", s)
	}
	for range 2 { // so that it has other memory for its spans
		w.Add([]byte("name"), []byte("value"))
	}
	w.Reset("k")
	for _, s := range append(w.spans[:2], w.one[0]) {
		if s.name != nil || s.value != nil {
			t.Errorf("an empty wire still holds %q", s)
		}
	}
	if w.Len() != 0 || w.Key() != "k" {
		t.Errorf("Reset left %d spans of %q", w.Len(), w.Key())
	}
}

func TestWireSole(t *testing.T) {
	var w Wire
	if _, err := w.Sole(); err == nil {
		t.Error("Sole of no span is no error")
	}
	w.Add(nil, []byte("v"))
	if b, err := w.Sole(); err != nil || string(b) != "v" {
		t.Errorf("Sole = %q, %v", b, err)
	}
	w.Add(nil, nil)
	if _, err := w.Sole(); err == nil {
		t.Error("Sole of two spans is no error")
	}
	w.Reset("k")
	w.Add([]byte{}, []byte("v"))
	if _, err := w.Sole(); err == nil {
		t.Error("Sole of a span with an empty name is no error")
	}
}

// A wire that knows how large its value is going to be allocates memory for it once.
func TestWireGrow(t *testing.T) {
	value := make([]byte, 300)
	allocs := testing.AllocsPerRun(100, func() {
		w := new(Wire)
		w.Grow(len(value))
		b := w.Scratch()
		for part := range slices.Chunk(value, 10) {
			b = append(b, part...)
		}
		w.Keep(nil, b)
	})
	if want := 2.; allocs != want { // its own, and its memory
		t.Errorf("%v allocations, want %v", allocs, want)
	}
	w := new(Wire)
	w.Grow(1 << 30)
	if n := cap(w.Scratch()); n != 64<<10 {
		t.Errorf("space for %d bytes, want 64 KB", n)
	}
}

// The memory of a value that is a little smaller than was guessed is used for the next one.
func TestWireGrowIsKept(t *testing.T) {
	w, value := new(Wire), make([]byte, 300)
	encode := func() {
		w.Reset("k")
		w.Grow(len(value) + 40)
		w.Keep(nil, append(w.Scratch(), value...))
	}
	for range 3 {
		encode()
	}
	if allocs := testing.AllocsPerRun(100, encode); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
