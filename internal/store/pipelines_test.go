package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// maxSenders is how many shared pipelines of small answers can be under way.
var maxSenders = client.ForTests{}.MaxSenders()

// pipelines is a hook that counts pipelines, and commands beside them, and does something
// before each pipeline.
type pipelines struct {
	redis.Hook
	shared, commands, alone atomic.Int64
	before                  func()
}

func (p *pipelines) DialHook(next redis.DialHook) redis.DialHook { return next }

func (p *pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "get" {
			p.alone.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (p *pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() != "get" { // a greeting
			return next(ctx, cmds)
		}
		p.shared.Add(1)
		p.commands.Add(int64(len(cmds)))
		if p.before != nil {
			p.before()
		}
		return next(ctx, cmds)
	}
}

// Many callers share pipelines, and each gets the answer to its own question, also when
// others leave while theirs is under way.
func TestSharedPipelines(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for name, change := range map[string]func(*redis.UniversalOptions){
			"default":           func(*redis.UniversalOptions) {},
			"honours deadlines": func(o *redis.UniversalOptions) { o.ContextTimeoutEnabled = true },
			"RESP2":             func(o *redis.UniversalOptions) { o.Protocol = 2 },
		} {
			for _, hooked := range []bool{false, true} {
				t.Run(fmt.Sprint(name, ", hooked ", hooked), func(t *testing.T) {
					env.FlushAll(t)
					rdb := env.NewClient(t, change)
					var hook pipelines
					if hooked {
						rdb.AddHook(&hook)
					}
					s := newStore(t, rdb, codec.ShapeString)
					const keys = 200
					for i := range keys {
						key := fmt.Sprint("k", i)
						if err := s.Put(t.Context(), deadline(), key, entry(key, text(strings.Repeat(key, i%7))), time.Hour); err != nil {
							t.Fatal(err)
						}
					}
					s.ForTests().ManyInFlight()
					askAtOnce(t, s, keys)
					if n := hook.shared.Load(); hooked && (n == 0 || hook.commands.Load() < 2*n) {
						t.Errorf("%d commands in %d pipelines", hook.commands.Load(), n)
					}
				})
			}
		}
	})
}

// askAtOnce reads keys at one time, with entries that are used again and again as long as
// they are answered.
func askAtOnce(t *testing.T, s *store.Store, keys int) {
	var callers sync.WaitGroup
	for i := range keys {
		callers.Go(func() {
			key := fmt.Sprint("k", i)
			e := new(store.Entry)
			for n := range 5 {
				ctx, cancel := context.WithCancel(t.Context())
				if (i+n)%5 == 0 {
					go cancel()
				}
				found, err := s.Read(ctx, key, e, time.Now())
				cancel()
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("%s: %v", key, err)
					}
					e = new(store.Entry)
					continue
				}
				if got, _ := e.Wire.Sole(); !found || string(got) != strings.Repeat(key, i%7) {
					t.Errorf("%s: %q, %v", key, got, found)
				}
			}
		})
	}
	callers.Wait()
}

// A key of another type, and one that is missing, are no error to those beside them.
func TestSharedPipelineWithUnusualAnswers(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		s := newStore(t, env.NewClient(t), codec.ShapeString)
		env.FlushAll(t)
		if err := errors.Join(env.Client.Set(t.Context(), "k", "v", 0).Err(), env.Client.SAdd(t.Context(), "set", "v").Err()); err != nil {
			t.Fatal(err)
		}
		s.ForTests().ManyInFlight()
		var callers sync.WaitGroup
		for range 20 {
			for key, want := range map[string]string{"k": "true <nil>", "none": "false <nil>", "set": "false " + store.ErrWrongType.Error()} {
				callers.Go(func() {
					found, err := s.Read(t.Context(), key, new(store.Entry), time.Now())
					if got := fmt.Sprint(found, " ", err); got != want {
						t.Errorf("%s: %s, want %s", key, got, want)
					}
				})
			}
		}
		callers.Wait()
	})
}

// stuck is a server that does not answer what is asked about the key "stuck".
func stuck(t *testing.T, change ...func(*redis.UniversalOptions)) (s *store.Store, env *redistest.Env, answer func(), asked *requests) {
	env = redistest.Mini(t)
	if err := env.Client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	speak := make(chan struct{})
	asked = new(requests)
	env.Mini.Server().SetPreHook(func(_ *server.Peer, command string, args ...string) bool {
		asked.note(command, args)
		if slices.Contains(args, "stuck") {
			<-speak
		}
		return false
	})
	s = newStore(t, env.NewClient(t, change...), codec.ShapeString)
	s.ForTests().ManyInFlight()
	return s, env, func() { close(speak) }, asked
}

// requests are what a server was asked.
type requests struct {
	mu  sync.Mutex
	all [][]string
}

func (r *requests) note(command string, args []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, append([]string{command}, args...))
}

// about returns the requests that name a key.
func (r *requests) about(key string) (found [][]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, request := range r.all {
		if slices.Contains(request, key) {
			found = append(found, request)
		}
	}
	return found
}

// A command that is not answered holds up no caller that comes after it for longer than a
// moment. When every sender is stuck, a caller that leaves takes along what has not been sent.
func TestStuckPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, answer, asked := stuck(t)
		ask := func(key string, limit time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			_, err := s.Read(ctx, key, new(store.Entry), time.Now())
			return err
		}
		var callers sync.WaitGroup
		for senders := range maxSenders {
			if err := ask("k", 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a context that has ended: %v", err)
			}
			if err := ask("k", 2*time.Millisecond); err != nil {
				t.Errorf("with %d senders stuck: %v", senders, err)
			}
			synctest.Wait()
			callers.Go(func() {
				if err := ask("stuck", 2*time.Second); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("what is not answered: %v", err)
				}
			})
			synctest.Wait()
			time.Sleep(2 * time.Millisecond) // until it has a sender
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := s.Acquire(ctx, deadline(), "late", time.Second, false)
		cancel()
		if d := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || d != time.Second {
			t.Errorf("with all senders stuck Acquire returned after %v: %v", d, err)
		}
		callers.Wait()
		answer()
		if err := ask("k", time.Millisecond); err != nil {
			t.Errorf("after all is answered: %v", err)
		}
		if late := asked.about("late"); len(late) > 0 {
			t.Errorf("Redis was asked for who had left: %q", late)
		}
	})
}

// A pipeline whose answers are lost: reads are asked again, and so is what may be
// repeated, but no token of a lease is sent twice.
func TestLostPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(faultnet.Network)
		s, _, _, asked := stuck(t, l.Through)
		for _, warm := range [][]string{{"w1"}, {"w2", "w3"}} { // the server learns the scripts, also for many
			s.ReleaseAll(t.Context(), deadline(), grantedAll(t, s, warm))
		}
		l.LoseAnswers("evalsha", 1)
		var callers sync.WaitGroup
		for i := range 10 {
			key := fmt.Sprint("k", i)
			callers.Go(func() {
				lease := granted(t, s, key)
				if lease == nil {
					return
				}
				if held, err := lease.Release(t.Context(), deadline()); !held || err != nil {
					t.Errorf("%s: Release %v, %v", key, held, err)
				}
			})
			callers.Go(func() {
				if found, err := s.Read(t.Context(), "k", new(store.Entry), time.Now()); !found || err != nil {
					t.Errorf("Read: %v, %v", found, err)
				}
			})
		}
		callers.Wait()
		if n := l.Requests(); n < 2 {
			t.Fatalf("no pipeline was lost")
		}
		repeated := 0
		for i := range 10 {
			key := fmt.Sprint("k", i)
			var tokens []string
			for _, request := range asked.about(key) {
				token, asks := tokenFor(request, key)
				if !asks {
					continue
				}
				if slices.Contains(tokens, token) {
					t.Errorf("%s: a token was sent twice: %q", key, request)
				}
				tokens = append(tokens, token)
			}
			switch len(tokens) {
			case 1:
			case 2:
				repeated++
			default:
				t.Errorf("%s: %d attempts, want at most the lost one and another", key, len(tokens))
			}
		}
		if repeated == 0 {
			t.Error("no attempt was made again")
		}
	})
}

// Writes whose shared pipeline is lost are sent again, but what must not be carried out
// twice is not.
func TestLostPipelineOfWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(faultnet.Network)
		s, env, _, _ := stuck(t, l.Through)
		write := func(name string) {
			var callers sync.WaitGroup
			for i := range 10 {
				key := fmt.Sprint(name, i)
				callers.Go(func() {
					stored, err := s.PutIfAbsent(t.Context(), deadline(), key+" once", entry(key, text("v")), time.Hour)
					if stored == (err != nil) || stored && key == "lost5" {
						t.Errorf("%s: PutIfAbsent %v, %v", key, stored, err)
					}
				})
				callers.Go(func() {
					if err := s.Put(t.Context(), deadline(), key, entry(key, text("v")), time.Hour); err != nil {
						t.Errorf("%s: Put %v", key, err)
					}
				})
				callers.Go(func() {
					if failed := s.Delete(t.Context(), deadline(), []string{key + " gone"}); failed != nil {
						t.Errorf("%s: Delete %v", key, failed)
					}
				})
			}
			callers.Wait()
		}
		if stored, err := s.PutIfAbsent(t.Context(), deadline(), "warm", entry("warm", text("v")), time.Hour); !stored || err != nil {
			t.Fatal(stored, err)
		}
		write("warm") // the server learns the scripts, also for many
		l.LoseAnswers("lost5 once", 1)
		write("lost")
		if n := l.Requests(); n != 1 {
			t.Errorf("PutIfAbsent was sent %d times", n)
		}
		for i := range 10 {
			key := fmt.Sprint("lost", i)
			if got, err := env.Client.Get(t.Context(), key).Result(); got != "v" || err != nil {
				t.Errorf("%s holds %q, %v", key, got, err)
			}
		}
	})
}

// A caller that has left a shared pipeline does not write again when that is lost: a later write
// would be undone.
func TestLostPipelineOfWhoHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := new(faultnet.Network)
		s, _, answer, asked := stuck(t, l.Through)
		put := func(ctx context.Context, key string) error {
			return s.Put(ctx, deadline(), key, entry(key, text("v")), time.Hour)
		}
		if err := put(t.Context(), "warm"); err != nil { // the server learns the script
			t.Fatal(err)
		}
		l.LoseAnswers("stuck", 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		if err := put(ctx, "stuck"); !errors.Is(err, context.Canceled) {
			t.Errorf("Put that was cancelled: %v", err)
		}
		answer()
		if err := put(t.Context(), "k"); err != nil {
			t.Errorf("Put afterwards: %v", err)
		}
		time.Sleep(longTimeout)
		sent := slices.DeleteFunc(asked.about("stuck"), func(request []string) bool { return request[0] != "EVALSHA" })
		if len(sent) != 1 {
			t.Errorf("Redis was asked for who had left: %q", sent)
		}
	})
}

// tokenFor returns the token with which a request asks for the lease of a key, alone or
// among others.
func tokenFor(request []string, key string) (token string, asks bool) {
	if !slices.Contains(request, "string") { // the shape, which only this script is told
		return "", false
	}
	keys, err := strconv.Atoi(request[2]) // after the script: all values, then all controls
	if err != nil {
		return "", false
	}
	first := 3 + keys // of the arguments, of which it is the first one
	if keys == 2 {
		return request[first], true
	}
	layout := request[len(request)-2] // see merge.lua
	if layout[0] == 'c' {
		return request[first], true
	}
	common, own := strings.Count(layout, "c"), strings.Count(layout, "o")
	return request[first+common+own*(slices.Index(request, key)-3)], true
}

// grantedAll returns the leases of keys that are free.
func grantedAll(t *testing.T, s *store.Store, keys []string) (leases []*store.Lease) {
	asks := make([]store.Ask, len(keys))
	for i, key := range keys {
		asks[i].Key = key
	}
	s.AcquireAll(t.Context(), deadline(), asks, time.Minute)
	for _, ask := range asks {
		if ask.Err != nil || ask.Answer.Status != store.Granted {
			t.Errorf("%s: %v, %v", ask.Key, ask.Answer.Status, ask.Err)
			continue
		}
		leases = append(leases, ask.Answer.Lease)
	}
	return leases
}

// granted returns the lease of a key that is free.
func granted(t *testing.T, s *store.Store, key string) *store.Lease {
	c, err := s.Acquire(t.Context(), deadline(), key, time.Minute, false)
	if err != nil || c.Status != store.Granted {
		t.Errorf("%s: Acquire: %v, %v", key, c.Status, err)
		return nil
	}
	return c.Lease
}

// What a hook does to a shared pipeline comes to each of its callers, and to nobody after
// them.
func TestHooksOfSharedPipelines(t *testing.T) {
	refusal := errors.New("no")
	for name, tt := range map[string]struct {
		do   func()
		want string
	}{
		"panics": {func() { panic("by a hook") }, "by a hook"},
		"leaves": {runtime.Goexit, "the command was given up by a hook of the client"},
		"fails":  {nil, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := redistest.Mini(t)
				if err := env.Client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
					t.Fatal(err)
				}
				rdb := env.NewClient(t)
				hook := &pipelines{}
				var off atomic.Bool
				hook.before = func() {
					if !off.Load() && tt.do != nil {
						tt.do()
					}
				}
				rdb.AddHook(hook)
				rdb.AddHook(refusing{&off, tt.do == nil, refusal})
				s := newStore(t, rdb, codec.ShapeString)
				s.ForTests().ManyInFlight()
				var callers sync.WaitGroup
				for range 5 {
					callers.Go(func() {
						defer func() {
							if r := recover(); r != nil && r != tt.want {
								t.Errorf("panic %v, want %v", r, tt.want)
							}
						}()
						if _, err := s.Read(t.Context(), "k", new(store.Entry), time.Now()); err == nil || err.Error() != tt.want {
							t.Errorf("error %v, want %v", err, tt.want)
						}
					})
				}
				callers.Wait()
				off.Store(true)
				if found, err := s.Read(t.Context(), "k", new(store.Entry), time.Now()); !found || err != nil {
					t.Errorf("afterwards: %v, %v", found, err)
				}
			})
		})
	}
}

// What greets a new connection may end the goroutine: nothing has been sent then, and the
// callers hear of it. Others are served afterwards, however often it happens.
func TestGreetingThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		dial := env.Client.(*redis.Client).Options().Dialer
		polite := false
		rdb := redis.NewClient(&redis.Options{
			Dialer:          dial,
			ConnMaxIdleTime: time.Second,
			OnConnect: func(context.Context, *redis.Conn) error {
				if !polite {
					runtime.Goexit()
				}
				return nil
			},
		})
		defer rdb.Close()
		s := newStore(t, rdb, codec.ShapeString)
		s.ForTests().ManyInFlight()
		for i := range maxSenders {
			err := s.Put(t.Context(), deadline(), "k", entry("k", text("v")), time.Hour)
			if want := "the command was given up by a hook of the client"; err == nil || err.Error() != want {
				t.Errorf("Put %d: %v, want %s", i, err, want)
			}
			time.Sleep(2 * time.Second) // until another connection has to be greeted
		}
		polite = true
		if err := s.Put(t.Context(), deadline(), "k", entry("k", text("v")), time.Hour); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// refusing is a hook that lets no pipeline pass.
type refusing struct {
	off *atomic.Bool
	on  bool
	err error
}

func (refusing) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (refusing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (r refusing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if r.on && !r.off.Load() {
			return r.err
		}
		return next(ctx, cmds)
	}
}

// A store that is alone never shares.
func TestSendAlone(t *testing.T) {
	for _, alone := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			env := redistest.Mini(t)
			rdb := env.NewClient(t)
			var hook pipelines
			rdb.AddHook(&hook)
			s := newStore(t, rdb, codec.ShapeString)
			if alone {
				s.SendAlone()
			}
			s.ForTests().ManyInFlight()
			if _, err := s.Read(t.Context(), "k", new(store.Entry), time.Now()); err != nil {
				t.Error(err)
			}
			if got := hook.shared.Load() == 0; got != alone {
				t.Errorf("alone %v: %d pipelines", alone, hook.shared.Load())
			}
		})
	}
}
