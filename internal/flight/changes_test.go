package flight

import (
	"strconv"
	"sync"
	"testing"
)

// A change is that of its own key, until there have been too many to tell.
func TestChangedSince(t *testing.T) {
	var g Group[int]
	write := func(key string) {
		w, err := g.Fence(t.Context(), farOff(), key)
		if err != nil {
			t.Fatal(err)
		}
		w.End()
	}
	write(key)
	first := g.Changes()
	for i := range len(latestChanges{}) - 2 {
		write(strconv.Itoa(i))
	}
	if g.ChangedSince(key, first) {
		t.Error("changes of others count")
	}
	second := g.Changes()
	write(key)
	if !g.ChangedSince(key, first) || !g.ChangedSince(key, second) || g.ChangedSince("other", first) {
		t.Error("a change is not that of its key")
	}
	write("0")
	if third := g.Changes(); !g.ChangedSince("other", first) || g.ChangedSince("other", second) || g.ChangedSince(key, third) {
		t.Error("it is not told when there were too many changes")
	}
}

// What changes while it is looked for is either found or too much.
func TestChangedSinceBesideChanges(t *testing.T) {
	var g Group[int]
	g.Changes()
	var writes, looks sync.WaitGroup
	done := make(chan struct{})
	writes.Go(func() { // all keys in turn, so that each change of one is soon overwritten
		for i := range 50 * len(latestChanges{}) {
			g.mu.Lock()
			g.changes.add(strconv.Itoa(i % 500))
			g.mu.Unlock()
		}
		close(done)
	})
	for range 2 {
		looks.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				count := g.Changes()
				for g.Changes()-count < 500 { // each key has changed
					select {
					case <-done:
						return
					default:
					}
				}
				for _, key := range []string{"0", "250", "499"} {
					if !g.ChangedSince(key, count) {
						t.Errorf("the change of %s is missing", key)
						return
					}
				}
			}
		})
	}
	writes.Wait()
	looks.Wait()
}
