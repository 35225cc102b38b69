package client

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"github.com/asidecache/aside/internal/redistest"
)

// tells has the server say who it is.
func (f *faulty) tells(role, id string, replicas int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = fmt.Sprintf("# Replication\r\nrole:%s\r\nconnected_slaves:%d\r\nmaster_replid:%s\r\n"+
		"repl_backlog_active:%d\r\n", role, replicas, id, min(replicas, 1))
}

// wantDeletes checks how many deletes have been delivered again.
func wantDeletes(t *testing.T, when string, f *faulty, n int) {
	t.Helper()
	if got := f.arrived("UNLINK"); got != n {
		t.Errorf("%s: %d deletes, want %d", when, got, n)
	}
	if got, _ := f.Journal(); int(got) != n {
		t.Errorf("%s: Journal says %d deletes, want %d", when, got, n)
	}
}

// wantRest checks that nothing is due any more, and that all memory was given up.
func wantRest(t *testing.T, f *faulty) {
	t.Helper()
	f.journal.mu.Lock()
	defer f.journal.mu.Unlock()
	if j := &f.journal; j.timer != nil || j.ring != nil || j.bytes != 0 || j.failover.slots != nil || j.failover.passes != nil {
		t.Errorf("the journal has %d records of %d bytes, %+v", j.count, j.bytes, j.failover)
	}
}

// What was written to a master before another one took its place is deleted, twice, and what is
// written to that one later is not.
func TestFailover(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.tells("master", "a", 1)
		for range 2 {
			f.Record("k", &d)
			f.Record("l", &d)
		}
		time.Sleep(10 * time.Second)
		wantDeletes(t, "before", f, 0)
		f.tells("slave", "a", 0)
		time.Sleep(10 * time.Second)
		wantDeletes(t, "while it is a replica", f, 0)
		f.tells("master", "b", 1)
		time.Sleep(checkInterval + retryInterval)
		wantDeletes(t, "after the failover", f, 2)
		f.Record("m", &d)
		time.Sleep(replayedAfter[1])
		wantDeletes(t, "later", f, 4)
		time.Sleep(time.Minute)
		wantDeletes(t, "a minute later", f, 4)
		wantRest(t, f)
		asked := f.arrived("INFO")
		time.Sleep(time.Hour)
		if more := f.arrived("INFO") - asked; more > 0 {
			t.Errorf("the server was asked %d times while nothing was written", more)
		}
	})
}

// A failover may forget what was deleted again after the one before.
func TestFailoverAfterAFailover(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.tells("master", "a", 1)
		f.Record("k", &d)
		time.Sleep(25 * time.Second)
		f.tells("master", "b", 1)
		time.Sleep(25 * time.Second)
		f.tells("master", "c", 1)
		time.Sleep(25 * time.Second)
		wantDeletes(t, "after two failovers", f, 4)
		f.tells("master", "b", 1)
		time.Sleep(2 * time.Second)
		wantDeletes(t, "with a master that is known", f, 4)
		time.Sleep(time.Minute)
		wantRest(t, f)
	})
}

// A failover may forget a delete that was delivered in the background as well.
func TestFailoverOfDeliveredDeletes(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.tells("master", "a", 1)
		f.answers(refusal)
		f.Redeliver(d.delete("k", time.Hour))
		time.Sleep(10 * time.Second)
		f.answers("")
		time.Sleep(2 * maxDeliveryPause)
		wantUndelivered(t, f, 0, false)
		sent := f.arrived("UNLINK")
		f.tells("master", "b", 1)
		time.Sleep(checkInterval + replayedAfter[1] + checkInterval)
		if more := f.arrived("UNLINK") - sent; more != len(replayedAfter) {
			t.Errorf("%d deletes, want %d", more, len(replayedAfter))
		}
	})
}

// Records are needed until half a minute later their master is found to be that of before. While
// it does not answer that takes longer, but not for ever.
func TestJournalLife(t *testing.T) {
	for away, want := range map[time.Duration]int{0: 30, 2 * time.Minute: 30, 10 * time.Minute: 0} {
		eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
			var d deliveries
			f.tells("master", "a", 1)
			for i := range 60 {
				f.Record(fmt.Sprint(i), &d)
				time.Sleep(time.Second)
			}
			f.answers("LOADING")
			time.Sleep(away)
			f.answers("")
			f.tells("master", "b", 1)
			time.Sleep(checkInterval + retryInterval)
			if n := f.arrived("UNLINK"); n < want || n > want+want/10 {
				t.Errorf("away for %v: %d deletes, want %d", away, n, want)
			}
			time.Sleep(2 * time.Minute)
			wantRest(t, f)
		})
	}
}

// Deletes that Redis does not acknowledge are sent again.
func TestFailoverRefused(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.tells("master", "a", 1)
		f.Record("k", &d)
		time.Sleep(2 * time.Second)
		f.mini.Mini.Server().SetPreHook(func(p *server.Peer, command string, args ...string) bool {
			if command == "UNLINK" {
				p.WriteError(refusal)
				return true
			}
			return f.arrive(p, command, args...)
		})
		f.tells("master", "b", 1)
		time.Sleep(10 * time.Second)
		if n, _ := f.Journal(); n != 0 {
			t.Errorf("%d deletes, want none", n)
		}
		f.mini.Mini.Server().SetPreHook(f.arrive)
		time.Sleep(replayedAfter[1])
		wantDeletes(t, "when deletes are permitted", f, len(replayedAfter))
		time.Sleep(time.Minute)
		wantRest(t, f)
	})
}

// A server without replicas, or that does not tell, is asked now and then while there are writes.
func TestJournalRests(t *testing.T) {
	for name, tt := range map[string]struct {
		info, answer string
		rests        time.Duration
	}{
		"lone":    {info: "role:master\r\nmaster_replid:a\r\nconnected_slaves:0\r\nrepl_backlog_active:0\r\n", rests: loneInterval},
		"mute":    {info: "role:master\r\n", rests: muteInterval},
		"refused": {answer: "NOPERM", rests: muteInterval},
	} {
		t.Run(name, func(t *testing.T) {
			eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
				var d deliveries
				f.mu.Lock()
				f.info = tt.info
				f.mu.Unlock()
				f.answers(tt.answer)
				for range 3 {
					f.Record("k", &d)
					time.Sleep(checkInterval + time.Millisecond)
					wantRest(t, f)
					asked := f.arrived("INFO")
					f.Record("k", &d)
					wantRest(t, f)
					time.Sleep(tt.rests)
					if more := f.arrived("INFO") - asked; more != 0 {
						t.Errorf("the server was asked %d times", more)
					}
				}
				if n := f.arrived("INFO"); n != 3 {
					t.Errorf("the server was asked %d times, want 3", n)
				}
			})
		})
	}
}

// The first answer of a master, for a slot that is new, tells of no failover.
func TestFailoverOfNewSlots(t *testing.T) {
	var j journal
	var d deliveries
	j.ring, j.count = []record{{key: "k", by: &d, at: time.Now()}}, 1
	for i, tt := range []struct {
		id     string
		before bool
		passes int
	}{{"a", false, 0}, {"a", true, 0}, {"b", false, 0}, {"b", true, 0}, {"", true, 0}, {"c", true, 2}} {
		j.noteSlots(func(string) uint16 { return 1 })
		j.compare([]*master{{id: tt.id, before: tt.before}})
		if n := len(j.failover.passes); n != tt.passes {
			t.Errorf("%d: %d passes, want %d", i, n, tt.passes)
		}
	}
	if before := j.noteSlots(nil)[1]; !before {
		t.Error("a slot whose master was asked is new")
	}
}

// The journal has bounds, and what does not fit is counted.
func TestJournalBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t, time.Second, kindsOfClients["cloned"])
		defer f.Close()
		var d deliveries
		f.tells("master", "a", 1)
		for i := range maxJournal + 7 {
			f.Record(fmt.Sprint(i), &d)
		}
		if _, forgotten := f.Journal(); forgotten != 7 || f.journal.count != maxJournal || len(f.journal.ring) != maxJournal {
			t.Errorf("%d of %d records, %d forgotten", f.journal.count, len(f.journal.ring), forgotten)
		}
		time.Sleep(2 * time.Second)
		f.tells("master", "b", 1)
		time.Sleep(9*checkInterval + checkInterval/2)
		if n := f.arrived("UNLINK"); n != len(replayedAfter)*maxJournal {
			t.Errorf("%d deletes, want each of %d twice", n, maxJournal)
		}
		long := strings.Repeat("x", maxJournalBytes/4)
		for i := range 5 {
			f.Record(long[i:]+fmt.Sprintf("%0*d", i, 0), &d)
		}
		if f.journal.count != 4 || f.journal.bytes > maxJournalBytes {
			t.Errorf("%d records of %d bytes", f.journal.count, f.journal.bytes)
		}
		_, before := f.Journal()
		f.Record(strings.Repeat(long, 5), &d)
		if _, after := f.Journal(); after-before != 1 || f.journal.count != 4 {
			t.Errorf("%d records, %d forgotten", f.journal.count, after-before)
		}
	})
}

// Nothing is due after Close, whatever is recorded.
func TestJournalEnds(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.Record("k", &d)
		f.Close()
		f.Record("k", &d)
		wantRest(t, f)
		time.Sleep(time.Hour)
		if n := f.arrived("INFO"); n > 0 {
			t.Errorf("the server was asked %d times", n)
		}
	})
}

// A Close while the server is asked waits no longer than for any answer.
func TestJournalEndsWhileItAsks(t *testing.T) {
	eachFaulty(t, time.Second, func(t *testing.T, f *faulty) {
		var d deliveries
		f.freeze()
		f.Record("k", &d)
		time.Sleep(checkInterval + time.Millisecond)
		began := time.Now()
		f.Close()
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %v", took)
		}
		f.thaw()
		wantRest(t, f)
	})
}

// The journal keeps no executor in memory.
func TestJournalIsForgotten(t *testing.T) {
	env := redistest.Mini(t)
	collected := make(chan struct{})
	func() {
		var d deliveries
		c := mustNew(t, env.NewClient(t))
		c.Record("k", &d)
		runtime.AddCleanup(c.executor, func(done chan struct{}) { close(done) }, collected)
	}()
	for alive := true; alive; {
		runtime.GC()
		select {
		case <-collected:
			alive = false
		default:
		}
	}
}

// A record takes no memory of its own.
func TestRecordAllocations(t *testing.T) {
	c := mustNew(t, redistest.Mini(t).NewClient(t))
	defer c.Close()
	var d deliveries
	for range 1 << 10 {
		c.Record("k", &d)
	}
	if n := testing.AllocsPerRun(1000, func() { c.Record("k", &d) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
