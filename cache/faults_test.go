package cache_test

import (
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// faults makes a miniredis in a bubble slow, deaf or unreachable.
type faults struct {
	env     *redistest.Env
	network faultnet.Network

	mu      sync.Mutex
	request func(command string) time.Duration // how long each command takes to be carried out
	frozen  chan struct{}                      // commands wait until it is closed; nil: they do not
	peers   map[*server.Peer]bool              // that are connections
}

func newFaults(t testing.TB, env *redistest.Env) *faults {
	if err := env.Client.Ping(t.Context()).Err(); err != nil { // there is no server before the first connection
		t.Fatal(err)
	}
	f := &faults{env: env, peers: map[*server.Peer]bool{}}
	env.Mini.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
		f.arrive(peer, command)
		return false
	})
	t.Cleanup(f.thaw) // else miniredis would wait for itself
	return f
}

// arrive is called before a command is carried out; also for those of a script,
// whose peer is no connection, and for whom miniredis holds its mutex.
func (f *faults) arrive(peer *server.Peer, command string) {
	f.mu.Lock()
	if command == "HELLO" {
		f.peers[peer] = true
	}
	if !f.peers[peer] {
		f.mu.Unlock()
		return
	}
	frozen, request := f.frozen, f.request
	f.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	if request != nil {
		time.Sleep(request(command))
	}
}

// freeze makes the server deaf, thaw ends that: what was sent is carried out then.
func (f *faults) freeze() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen == nil {
		f.frozen = make(chan struct{})
	}
}

func (f *faults) thaw() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.frozen != nil {
		close(f.frozen)
		f.frozen = nil
	}
}

// delay sets how long requests and answers take.
func (f *faults) delay(request func(command string) time.Duration, answer func() time.Duration) {
	f.network.Delay(answer)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.request = request
}

// slow makes every answer take d.
func (f *faults) slow(d time.Duration) {
	f.delay(nil, func() time.Duration { return d })
}

// refuse breaks all connections and lets nobody in until it is called with false.
func (f *faults) refuse(refused bool) { f.network.Refuse(refused) }

// client returns a client that meets the faults. It has go-redis's defaults, but
// does without notifications of maintenance: go-redis asks for them under a mutex,
// and a bubble's clock does not move while somebody waits for one.
func (f *faults) client(t testing.TB, change ...func(*redis.UniversalOptions)) redis.UniversalClient {
	return f.env.NewClient(t, append(change, f.network.Through, func(o *redis.UniversalOptions) {
		o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	})...)
}
