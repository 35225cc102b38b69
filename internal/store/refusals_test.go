package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// A judge decides what a server does with the commands that come to it.
type judge struct {
	mu     sync.Mutex // guards all below
	peers  map[*server.Peer]bool
	old    map[*server.Peer]bool // those that were there when age was called
	answer func(p *server.Peer, command string, old bool) (refused bool)
	asked  []string
}

// newJudge returns the judge of a server, and a client of that.
func newJudge(t *testing.T) (*judge, redis.UniversalClient) {
	t.Helper()
	env := redistest.Mini(t)
	// There is no server before the first connection.
	if err := env.Client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	j := &judge{peers: map[*server.Peer]bool{}}
	env.Mini.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.peers[p] = true
		j.asked = append(j.asked, command)
		return j.answer != nil && j.answer(p, command, j.old[p])
	})
	return j, env.NewClient(t)
}

// decide has commands judged by answer from now on, and forgets those that have come.
func (j *judge) decide(answer func(p *server.Peer, command string, old bool) (refused bool)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.answer, j.asked, j.old = answer, nil, maps.Clone(j.peers)
}

func (j *judge) count(command string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := 0
	for _, other := range j.asked {
		if other == command {
			n++
		}
	}
	return n
}

// makeIdle gives both pools of a client idle connections.
func makeIdle(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	const each = 5
	for range each {
		conn := rdb.(*redis.Client).Conn()
		if err := conn.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	var pipelines sync.WaitGroup
	for range each {
		pipelines.Go(func() {
			_, _ = rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
				p.Do(t.Context(), "blpop", "nothing", "0.1") // while the others begin
				return nil
			})
		})
	}
	pipelines.Wait()
}

// forbidding refuses a command to all users.
func forbidding(forbidden string) func(*server.Peer, string, bool) bool {
	return func(p *server.Peer, command string, _ bool) bool {
		if command != forbidden {
			return false
		}
		p.WriteError("NOPERM this user has no permissions to run the command")
		return true
	}
}

const readOnly = "READONLY You can't write against a read only replica."

// Where the connections of a client are dead, or lead to a server that must not write any
// more, what may be repeated is, and not over another of them.
func TestIdleConnectionsOfNoUse(t *testing.T) {
	for how, refuse := range map[string]func(p *server.Peer){
		"dead":    (*server.Peer).Close,
		"demoted": func(p *server.Peer) { p.WriteError(readOnly) },
	} {
		for name, write := range map[string]func(s *store.Store, key string) error{
			"Put": func(s *store.Store, key string) error {
				return s.Put(t.Context(), deadline(), key, entry(key, text("v")), time.Hour)
			},
			"large Put": func(s *store.Store, key string) error {
				large := entry(key, text(strings.Repeat("v", 5000)))
				return s.Put(t.Context(), deadline(), key, large, time.Hour)
			},
			"Put in a pipeline": func(s *store.Store, key string) error {
				return putAndDelete(t, s, key, false)
			},
			"Put in one step": func(s *store.Store, key string) error {
				return putAndDelete(t, s, key, true)
			},
		} {
			t.Run(how+"/"+name, func(t *testing.T) {
				j, rdb := newJudge(t)
				s := newStore(t, rdb, codec.ShapeString)
				if err := write(s, "warm"); err != nil { // the server learns the script
					t.Fatal(err)
				}
				makeIdle(t, rdb)
				j.decide(func(p *server.Peer, command string, old bool) bool {
					if !old || !slices.Contains(writing, command) {
						return false
					}
					refuse(p)
					return true
				})
				if err := write(s, "k"); err != nil {
					t.Error(err)
				}
				j.decide(nil)
				if n, err := rdb.Exists(t.Context(), "k").Result(); n != 1 || err != nil {
					t.Errorf("%d values are stored, %v", n, err)
				}
			})
		}
	}
}

// writing are the commands by which a store writes.
var writing = []string{"EVALSHA", "EVAL", "UNLINK", "APPEND", "SETRANGE", "SET", "EXEC"}

// putAndDelete puts one value and deletes another, in a pipeline or in one step.
func putAndDelete(t *testing.T, s *store.Store, key string, inOneStep bool) error {
	put := s.PutStep(key, entry(key, text("v")), time.Hour)
	steps := []store.Step{put, s.DeleteStep("other")}
	return errors.Join(s.DoAll(t.Context(), time.Now(), steps, inOneStep, 0)...)
}

// What a pipeline has carried out is not carried out again when the server must not write
// the rest.
func TestStepThatWasCarriedOutIsNotRepeated(t *testing.T) {
	j, rdb := newJudge(t)
	s := newStore(t, rdb, codec.ShapeString)
	put := func(key string) *store.Write {
		return s.PutIfAbsentStep(key, entry(key, text("v")), time.Hour)
	}
	warm := []store.Step{put("warm")} // the server learns the script
	if err := s.DoAll(t.Context(), time.Now(), warm, false, 0)[0]; err != nil {
		t.Fatal(err)
	}
	refused := false
	j.decide(func(p *server.Peer, command string, _ bool) bool {
		if refused || command != "UNLINK" {
			return false
		}
		refused = true
		p.WriteError(readOnly)
		return true
	})
	w := put("k")
	steps := []store.Step{w, s.DeleteStep("other")}
	errs := s.DoAll(t.Context(), time.Now(), steps, false, 0)
	if errs[0] != nil || !w.Done || !refused {
		t.Errorf("stored %v, %v", w.Done, errs)
	}
	if n := j.count("EVALSHA") + j.count("EVAL"); n != 1 {
		t.Errorf("the script was sent %d times", n)
	}
}

// When a server does not let a client use MULTI or EXEC, nothing is carried out, and no
// connection that is within a transaction is used again.
func TestRefusedTransaction(t *testing.T) {
	for _, tt := range []struct {
		command string
		before  bool // it was permitted once
	}{
		{"MULTI", false}, {"EXEC", false}, {"EXEC", true},
	} {
		t.Run(fmt.Sprintf("%s, permitted before: %v", tt.command, tt.before), func(t *testing.T) {
			j, rdb := newJudge(t)
			s := newStore(t, rdb, codec.ShapeString)
			kept := entry("kept", text("v"))
			if err := s.Put(t.Context(), deadline(), "kept", kept, time.Hour); err != nil {
				t.Fatal(err)
			}
			if tt.before {
				if err := putAndDelete(t, s, "before", true); err != nil {
					t.Fatal(err)
				}
			}
			j.decide(forbidding(tt.command))
			if err := putAndDelete(t, s, "k", true); err == nil {
				t.Error("no error")
			}
			for range 3 {
				if got, found, err := read(t, s, "kept"); !found || err != nil || got[""] != "v" {
					t.Errorf("Read: %q, %v, %v", got, found, err)
				}
			}
			j.decide(nil)
			if n, err := rdb.Exists(t.Context(), "k").Result(); n != 0 || err != nil {
				t.Errorf("%d values are stored, %v", n, err)
			}
		})
	}
}

// Full memory refuses the first write of a script only. One that takes memory has to be
// that, else what there was is lost and the rest is stored all the same.
func TestFullMemoryRefusesAWholePut(t *testing.T) {
	for _, sh := range shapes {
		t.Run(sh.shape.String(), func(t *testing.T) {
			j, rdb := newJudge(t)
			s := newStore(t, rdb, sh.shape)
			put := func() error {
				return s.Put(t.Context(), deadline(), "k", entry("k", sh.value), time.Hour)
			}
			for range 2 { // the server learns the script
				if err := put(); err != nil {
					t.Fatal(err)
				}
			}
			j.decide(fullMemory())
			for name, put := range map[string]func() error{
				"Put": put,
				"PutAbsent": func() error {
					return s.PutAbsent(t.Context(), deadline(), "k", time.Hour)
				},
			} {
				// miniredis puts the error of a command into that of the script.
				if err := put(); err == nil || !strings.Contains(err.Error(), "OOM") {
					t.Errorf("%s: %v", name, err)
				}
				wantStored(t, rdb, "k", sh.value)
			}
		})
	}
}

// fullMemory answers as a server without memory: of a script it refuses what takes some,
// unless the script has written before.
func fullMemory() func(p *server.Peer, command string, _ bool) bool {
	written := false
	return func(p *server.Peer, command string, _ bool) bool {
		switch command {
		case "EVALSHA", "EVAL":
			written = false
		case "UNLINK", "DEL", "PEXPIRE", "PERSIST", "RENAME":
			written = true
		case "SET", "HSET", "RPUSH", "SADD", "ZADD":
			if !written {
				p.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
				return true
			}
		}
		return false
	}
}
