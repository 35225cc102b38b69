package tracking

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// connectFake listens to a fake in a bubble.
func connectFake(t *testing.T, f *fake) (*Subscription, *recorder) {
	t.Helper()
	s, r := listen(t, f.client(t), "user:")
	time.Sleep(time.Millisecond)
	synctest.Wait()
	if connected, cause := s.State(); !connected {
		t.Fatalf("not connected: %v", cause)
	}
	return s, r
}

// What a master answers to a PING proves what was written before the PING two before it.
func TestProofIsTwoPingsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, _ := connectFake(t, f)
		e := s.Epoch("user:1")
		time.Sleep(2 * beat) // the first three follow each other at once
		for range 100 {      // in use
			time.Sleep(beat)
			synctest.Wait()
			if age := time.Duration(Now() - e.confirmed.Load()); age < 2*beat || age > 3*beat {
				t.Fatalf("confirmed up to %v ago, want the PING two before the last", age)
			}
			wantProven(t, "in use", e, true)
		}
	})
}

func TestNothingIsProvenOnceNothingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, r := connectFake(t, f)
		e := s.Epoch("user:1")
		time.Sleep(5 * time.Second)
		melt := f.freeze()
		last := time.Now()
		for e.Proven(Now(), bound) {
			time.Sleep(time.Millisecond)
		}
		if age := time.Since(last); age > bound {
			t.Errorf("proven for %v after the server froze, want at most %v", age, bound)
		}
		if _, cause := s.State(); cause != nil {
			t.Errorf("lost after %v already: %v", time.Since(last), cause)
		}
		time.Sleep(answerTimeout)
		if _, cause := s.State(); !errors.Is(cause, errNoPong) {
			t.Errorf("the cause is %v, want %v", cause, errNoPong)
		}
		if got := s.Epoch("user:1"); got != nil {
			t.Error("there is an epoch without a connection")
		}
		r.mu.Lock()
		if r.flushes != 2 {
			t.Errorf("%d flushes, want one at the beginning and one at the end", r.flushes)
		}
		r.mu.Unlock()
		melt()
		time.Sleep(2 * maxPause)
		if got := s.Epoch("user:1"); got == nil || got == e {
			t.Errorf("after that: epoch %p, want another one than %p", got, e)
		}
		wantProven(t, "an epoch that has ended", e, false)
		wantProven(t, "the new epoch", s.Epoch("user:1"), true)
	})
}

// A server that is slow for longer than the bound is not lost, and what was read before is
// served again.
func TestSlowServerKeepsItsEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, r := connectFake(t, f)
		e := s.Epoch("user:1")
		melt := f.freeze()
		time.Sleep(bound + bound/2)
		wantProven(t, "while it is slow", e, false)
		melt()
		synctest.Wait()
		wantProven(t, "as soon as it answers", e, true)
		if r.mu.Lock(); r.flushes != 1 {
			t.Errorf("%d flushes, want that of the connection", r.flushes)
		}
		r.mu.Unlock()
	})
}

func TestIdleConnectionBeatsOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, _ := connectFake(t, f)
		e := s.Epoch("user:1")
		time.Sleep(idleFor + time.Second)
		f.count("")
		time.Sleep(time.Minute)
		synctest.Wait()
		f.mu.Lock()
		if n := len(f.asked); n < 59 || n > 61 {
			t.Errorf("%d commands in an idle minute, want one a second", n)
		}
		if slices.Contains(f.asked, "PING") {
			t.Error("a PING instead of the question whether it is a master")
		}
		f.mu.Unlock()

		wantProven(t, "at first", e, false)
		time.Sleep(time.Microsecond)
		synctest.Wait()
		wantProven(t, "as soon as three questions were answered", e, true)
		for range 100 {
			time.Sleep(beat)
			wantProven(t, "in use", e, true)
		}
	})
}

func TestReplicaIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, _ := connectFake(t, f)
		e := s.Epoch("user:1")
		f.mu.Lock()
		f.answer = func(command []string) string {
			if command[0] == "HELLO" {
				return strings.Replace(answerOfAMaster(command), "$6\r\nmaster", "$7\r\nreplica", 1)
			}
			return ""
		}
		f.mu.Unlock()
		time.Sleep(placeFor + beat)
		synctest.Wait()
		wantProven(t, "after it has become a replica", e, false)
		if _, cause := s.State(); !errors.Is(cause, errNotMaster) {
			t.Errorf("the cause is %v, want %v", cause, errNotMaster)
		}
	})
}

func TestFlushOfAllKeysEndsTheEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, r := connectFake(t, f)
		e := s.Epoch("user:1")
		f.push(t, ">2\r\n$10\r\ninvalidate\r\n_\r\n")
		synctest.Wait()
		wantProven(t, "after FLUSHALL", e, false)
		wantProven(t, "the new epoch", s.Epoch("user:1"), true)
		if r.flushes != 2 {
			t.Errorf("%d flushes, want 2", r.flushes)
		}
	})
}

// Where the server cannot track, it is asked no more than once a minute.
func TestServersThatCannotTrack(t *testing.T) {
	for name, answers := range map[string]map[string]string{
		"no HELLO":    {"HELLO": "-ERR unknown command 'HELLO'\r\n"},
		"no RESP3":    {"HELLO": "-NOPROTO unsupported protocol version\r\n"},
		"RESP2":       {"HELLO": "*4\r\n$5\r\nproto\r\n:2\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"},
		"no TRACKING": {"CLIENT": "-ERR unknown subcommand 'TRACKING'. Try CLIENT HELP.\r\n"},
		"forbidden":   {"CLIENT": "-NOPERM User x has no permissions to run the 'client|tracking' command\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: func(command []string) string { return answers[command[0]] }}
				rdb := f.client(t)
				l, err := Listen(rdb)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Probe(t.Context()); !errors.Is(err, ErrCannotTrack) {
					t.Errorf("Probe: %v, want %v", err, ErrCannotTrack)
				}
				s, r := listen(t, rdb, "user:")
				time.Sleep(10 * time.Minute)
				if _, cause := s.State(); !errors.Is(cause, ErrCannotTrack) {
					t.Errorf("the cause is %v, want %v", cause, ErrCannotTrack)
				}
				synctest.Wait()
				if n := len(f.conns); n > 2+10 {
					t.Errorf("%d connections in ten minutes", n)
				}
				if len(r.states) != 1 {
					t.Errorf("told %v, want the cause once", r.states)
				}
				// It may have been replaced.
				f.mu.Lock()
				f.answer = nil
				f.mu.Unlock()
				time.Sleep(refusalFor + time.Second)
				if connected, cause := s.State(); !connected {
					t.Errorf("a minute after the server can track: %v", cause)
				}
			})
		})
	}
}

// An error that passes does not count as a server that cannot track.
func TestProbeOfAServerThatFails(t *testing.T) {
	for _, answer := range []string{
		"-LOADING Redis is loading the dataset in memory\r\n", "-WRONGPASS invalid username\r\n",
		"-ERR max number of clients reached\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{answer: func([]string) string { return answer }}
			l, err := Listen(f.client(t))
			if err != nil {
				t.Fatal(err)
			}
			if err = l.Probe(t.Context()); err != nil {
				t.Errorf("%q: Probe returns %v", answer, err)
			}
		})
	}
}

// A PING that is refused, as while the disk is full or by an ACL, is made up for by a HELLO, which
// is not.
func TestPingsThatAreRefused(t *testing.T) {
	for _, answer := range []string{
		"-MISCONF Redis is configured to save RDB snapshots, but it cannot\r\n",
		"-NOPERM User x has no permissions to run the 'ping' command\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{answer: func(command []string) string {
				if command[0] == "PING" {
					return answer
				}
				return ""
			}}
			s, _ := connectFake(t, f)
			e := s.Epoch("user:1")
			for range 100 {
				time.Sleep(beat)
				wantProven(t, answer, e, true)
			}
		})
	}
}
