package resp

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/asidecache/aside/codec"
)

func TestBufferSizes(t *testing.T) {
	for n := 0; n < 5<<20; n += 1009 {
		buf := newBuffer(n)
		class, pooled := classOf(n)
		switch {
		case cap(buf) < n || len(buf) > 0:
			t.Fatalf("%d bytes of %d for %d", len(buf), cap(buf), n)
		case pooled && (cap(buf) != sizeOf(class) || n > 2*minPooled && cap(buf) > 2*n):
			t.Fatalf("a buffer of %d bytes for %d", cap(buf), n)
		case pooled != (n <= 4<<20+framing):
			t.Fatalf("pooled: %v, of %d bytes", pooled, n)
		}
		if again, ok := classOf(cap(buf)); pooled && (again != class || !ok) {
			t.Fatalf("%d bytes come back as of class %d, not %d", cap(buf), again, class)
		}
		if pooled {
			freeBuffer(buf)
		}
	}
}

// read has a reply take a bulk string, as go-redis hands it over.
func read(t *testing.T, r *Reply, value string) {
	t.Helper()
	r.Reset()
	_, err := fmt.Fprintf(r, "$%d", len(value))
	if err == nil {
		_, err = r.Write(end)
	}
	if err == nil {
		_, err = io.CopyN(r, strings.NewReader(value+"\r\n"), int64(len(value)+len(end)))
	}
	var w codec.Wire
	found, parseErr := r.ParseValue(&w, codec.ShapeString)
	if err != nil || parseErr != nil || !found || string(w.Value(0)) != value {
		t.Fatalf("%d bytes: %v, %v, %v", len(value), found, err, parseErr)
	}
}

// Replies that are read and given up at the same time never share memory.
func TestBuffersAreNotShared(t *testing.T) {
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			var r Reply
			for i := range 50 {
				value := strings.Repeat(string(rune('a'+g)), 1<<(15+(g+i)%7)+i)
				read(t, &r, value)
				r.Trim(minPooled)
			}
		})
	}
	all.Wait()
}

// A megabyte is read into memory that was there.
func TestLargeAnswerAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	const runs = 20
	value := strings.Repeat("x", 1<<20)
	var before, after runtime.MemStats
	var r Reply
	once := func() {
		read(t, &r, value)
		r.Trim(minPooled)
	}
	once()
	runtime.ReadMemStats(&before)
	for range runs {
		once()
	}
	runtime.ReadMemStats(&after)
	// The test makes a copy of the value itself.
	if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 3<<19 {
		t.Errorf("%d bytes are allocated", n)
	}
}

// An answer that is expected to have some kilobytes takes no memory of its own.
func TestReservedAnswerAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools at random")
	}
	var r Reply
	line := []byte("+" + strings.Repeat("x", 100))
	allocs := testing.AllocsPerRun(100, func() {
		r.Reserve(3 << 10)
		for range 100 {
			if _, err := r.Write(line); err != nil {
				t.Fatal(err)
			}
		}
		r.Trim(0)
		r.Reset()
	})
	if allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
