package tracking

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// Redis refuses prefixes that overlap, in whatever order they come.
func TestPrefixesThatOverlap(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			i := server.StartCalm(t, redistest.Standalone)
			writer := i.Client(t)
			for _, order := range [][]string{
				{"user:", "user:v2:"}, {"user:v2:", "user:"}, {"user:", "user:"}, {"user@2{", "user:", ""}, {"", "user:"},
			} {
				t.Run(strings.Join(order, ","), func(t *testing.T) {
					rdb := i.Client(t)
					var subs []*Subscription
					var all []*recorder
					for _, prefix := range order {
						s, r := listen(t, rdb, prefix)
						r.awaitConnected(t, true)
						subs, all = append(subs, s), append(all, r)
					}
					heard := func() {
						t.Helper()
						for _, r := range all {
							r.forget()
						}
						for _, key := range []string{"user:1", "user:v2:1", "user@2{user:1}", "team:1", "end"} {
							writer.Set(t.Context(), key, "v", 0)
							for j, r := range all {
								if strings.HasPrefix(key, order[j]) {
									r.awaitKey(t, key)
								}
							}
						}
						for j, r := range all {
							for _, key := range r.have() {
								if !strings.HasPrefix(key, order[j]) {
									t.Errorf("the handler of %q hears of %s", order[j], key)
								}
							}
						}
					}
					heard()
					for len(subs) > 1 {
						subs[0].Close()
						subs, all, order = subs[1:], all[1:], order[1:]
						awaitFollowed(t, subs[0])
						heard()
					}
				})
			}
		})
	}
}

// awaitFollowed waits until the only master follows the subscriptions.
func awaitFollowed(t *testing.T, s *Subscription) {
	t.Helper()
	s.of.mu.Lock()
	changes := s.of.changes
	s.of.mu.Unlock()
	for began := time.Now(); time.Since(began) < limit; time.Sleep(time.Millisecond) {
		if now := s.of.single.state.Load(); now != nil && now.changes == changes {
			return
		}
	}
	t.Fatalf("the subscriptions are not followed within %v", limit)
}

// Further prefixes that no other one overlaps with cost the others nothing.
func TestFurtherSubscriptionKeepsTheEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		rdb := f.client(t)
		s, r := listen(t, rdb, "user:")
		time.Sleep(time.Second)
		e := s.Epoch("user:1")
		s2, r2 := listen(t, rdb, "team:", "user:v2:")
		if s2.Epoch("team:1") != nil {
			t.Error("an epoch before the server has said that it tracks")
		}
		synctest.Wait()
		if s2.Epoch("team:1") != e || s.Epoch("user:1") != e {
			t.Errorf("epochs %p and %p, want both %p", s.Epoch("user:1"), s2.Epoch("team:1"), e)
		}
		if r.flushes != 1 || r2.flushes != 1 {
			t.Errorf("%d and %d flushes, want one for each", r.flushes, r2.flushes)
		}
		s2.Close()
		synctest.Wait()
		if s2.Epoch("team:1") != nil {
			t.Error("an epoch after Close")
		}
		if connected, cause := s2.State(); connected || !errors.Is(cause, errClosed) {
			t.Errorf("after Close: %v, %v", connected, cause)
		}
		f.push(t, invalidation("team:1", "user:v2:1"))
		synctest.Wait()
		if got := r2.have(); got != nil {
			t.Errorf("told of %q after Close", got)
		}
	})
}

func TestStatesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		s, r := connectFake(t, f)
		f.mu.Lock()
		_ = f.conns[0].Close()
		f.mu.Unlock()
		synctest.Wait()
		if e := s.Epoch("user:1"); e != nil {
			t.Error("an epoch after the connection was lost")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		var got []bool
		for _, s := range r.states {
			got = append(got, s.connected)
		}
		if want := []bool{true, false, true}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", r.states, want)
		}
	})
}

// After the last subscription nothing runs: the bubble would not end.
func TestCloseLeavesNothing(t *testing.T) {
	for name, dialer := range map[string]func(f *fake) func(context.Context, string, string) (net.Conn, error){
		"connected": func(f *fake) func(context.Context, string, string) (net.Conn, error) { return f.dial },
		"hanging":   func(*fake) func(context.Context, string, string) (net.Conn, error) { return faultnet.Hanging },
		"silent":    func(*fake) func(context.Context, string, string) (net.Conn, error) { return faultnet.Silent },
		"refused":   func(*fake) func(context.Context, string, string) (net.Conn, error) { return faultnet.Refused },
		"panicking": func(*fake) func(context.Context, string, string) (net.Conn, error) {
			return func(context.Context, string, string) (net.Conn, error) { panic("no") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{}
				rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: dialer(f)})
				defer rdb.Close()
				l, err := Listen(rdb)
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					l.Subscribe([]string{"user:"}, newRecorder())
					s := l.Subscribe([]string{"team:"}, newRecorder())
					time.Sleep(500 * time.Millisecond)
					began := time.Now()
					s.Close()
					l.Close()
					if took := time.Since(began); took > 0 {
						t.Errorf("Close took %v", took)
					}
				}
				if len(clients.of) > 0 && clients.of[l.key] != nil {
					t.Error("the client is remembered")
				}
			})
		})
	}
}

func TestClientsThatCannotListen(t *testing.T) {
	cluster := redis.NewClusterClient(&redis.ClusterOptions{RouteByLatency: true})
	defer cluster.Close()
	ring := redis.NewRing(&redis.RingOptions{})
	defer ring.Close()
	own := redis.NewClusterClient(&redis.ClusterOptions{
		ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) { return nil, nil },
	})
	defer own.Close()
	for _, rdb := range []redis.UniversalClient{
		cluster, ring, own, struct{ redis.UniversalClient }{cluster},
	} {
		if _, err := Listen(rdb); err == nil {
			t.Errorf("%T can listen", rdb)
		} else if text := fmt.Sprint(err); !strings.Contains(text, ": ") {
			t.Errorf("%T: %q names no way out", rdb, text)
		}
	}
}

func TestCover(t *testing.T) {
	for _, tt := range []struct{ all, want []string }{
		{nil, nil},
		{[]string{"b:", "a:", "b:"}, []string{"a:", "b:"}},
		{[]string{"user:v2:", "user:", "user:v2", "use"}, []string{"use"}},
		{[]string{"a:", "", "b:"}, []string{""}},
		{[]string{"user@2{", "user:", "user@2:"}, []string{"user:", "user@2:", "user@2{"}},
	} {
		if got := cover(tt.all); !slices.Equal(got, tt.want) {
			t.Errorf("cover(%q) = %q, want %q", tt.all, got, tt.want)
		}
	}
}

// A closing is a handler that closes another subscription when it is told of a state.
type closing struct {
	*recorder
	other func()
}

func (h closing) StateChanged(bool, error) {
	go h.other()
	time.Sleep(20 * time.Millisecond) // in which a Close that does not wait returns
}

// Once Close has returned no state is told any more, also if others were being told of one.
func TestNothingIsToldAfterClose(t *testing.T) {
	f := &fake{}
	l, err := Listen(f.client(t))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var s *Subscription
	r, closed, told := newRecorder(), make(chan struct{}), 0
	var once sync.Once
	ready := make(chan struct{})
	l.Subscribe([]string{"a:"}, closing{newRecorder(), func() {
		<-ready
		once.Do(func() {
			s.Close()
			r.mu.Lock()
			defer r.mu.Unlock()
			told = len(r.states)
			close(closed)
		})
	}})
	s = l.Subscribe([]string{"b:"}, r)
	close(ready)
	<-closed
	l.Close() // when nothing is left that could tell
	if r.mu.Lock(); len(r.states) != told {
		t.Errorf("%d states were told when Close returned, then %d", told, len(r.states))
	}
	r.mu.Unlock()
}
