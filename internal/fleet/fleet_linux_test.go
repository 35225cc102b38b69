package fleet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/redistest"
)

// endTimeout is how long a worker may take to end. It is far more than it needs:
// only a call that hangs lasts that long.
const endTimeout = 2 * time.Minute

// A fleet is the parent's view of its workers.
type fleet struct {
	t       *testing.T
	plan    plan
	servers *redistest.Instance
	rdb     redis.UniversalClient
	masters []*redis.Client
	source  *Source
	socket  string
	began   instant
	slots   [workers]slot

	mu        sync.Mutex // guards all below
	processes int        // started so far
	events    []event
	losses    []loss
}

// A slot is a place in the fleet, which one worker after another takes.
type slot struct {
	mu      sync.Mutex // held while its worker is started, harmed or ended
	member  *member
	version int // of the stored form
}

// A member is a worker, as its parent sees it.
type member struct {
	process int
	cmd     *exec.Cmd
	stdin   io.Closer
	stderr  bytes.Buffer
	ready   chan struct{} // closed when it has said so
	events  []event       // of its journal, when read is closed
	failed  error         // of reading it
	read    chan struct{}
}

// launch empties the servers and starts a fleet. It returns when all workers are at
// work.
func launch(t *testing.T, servers *redistest.Instance, p plan) *fleet {
	t.Helper()
	f := &fleet{t: t, plan: p, servers: servers, rdb: servers.Client(t), socket: filepath.Join(t.TempDir(), "source"), began: now()}
	f.findMasters()
	d := newDice(p.Seed)
	exists := make([]bool, keyCount)
	for i := range exists {
		exists[i] = d.percent(75)
	}
	f.source = newSource(exists)
	l, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := f.source.serve(l); err != nil {
		t.Fatal(err)
	}
	f.onMasters(func(c *redis.Client) error { return c.FlushAll(t.Context()).Err() })
	if slices.ContainsFunc(p.faults, isTopological) {
		f.onMasters(awaitReplicated)
	}
	versions := p.versions()
	for i := range f.slots {
		f.slots[i].version = versions[i%len(versions)]
		f.start(i)
	}
	for i := range f.slots {
		if m := f.slots[i].member; m != nil {
			select {
			case <-m.ready:
			case <-m.read: // it has ended, and stop will tell why
			}
		}
	}
	return f
}

// awaitReplicated waits until the replica of a master has all: one that takes its place would bring
// back what was there before.
func awaitReplicated(c *redis.Client) error {
	n, err := c.Wait(context.Background(), 1, endTimeout).Result()
	if err == nil && n == 0 {
		err = fmt.Errorf("the replica of %s does not follow", c.Options().Addr)
	}
	return err
}

// onMasters does something on every server that takes writes.
func (f *fleet) onMasters(do func(*redis.Client) error) {
	f.t.Helper()
	for _, c := range f.masters {
		if err := do(c); err != nil {
			f.t.Errorf("fleet: %v", err)
		}
	}
}

// start starts the worker of a slot, whose lock is held or not yet needed.
func (f *fleet) start(i int) {
	f.t.Helper()
	f.mu.Lock()
	f.processes++
	m := &member{process: f.processes, ready: make(chan struct{}), read: make(chan struct{})}
	f.mu.Unlock()
	options := f.servers.Options()
	text, err := json.Marshal(job{
		Plan: f.plan, Addrs: options.Addrs, Cluster: options.IsClusterMode, Master: options.MasterName, Source: f.socket, Process: m.process, Slot: i,
		Version: f.slots[i].version,
	})
	if err == nil {
		err = m.start(string(text))
	}
	if err != nil {
		f.t.Errorf("fleet: start a worker: %v", err)
		return
	}
	f.slots[i].member = m
}

func (m *member) start(text string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	journal, tells, err := os.Pipe()
	if err != nil {
		return err
	}
	m.cmd = exec.Command(program)
	m.cmd.Env = append(os.Environ(), workerEnv+"="+text)
	m.cmd.ExtraFiles = []*os.File{tells}
	m.cmd.Stderr = &m.stderr
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	started := now()
	err = redistest.StartProcess(m.cmd)
	_ = tells.Close() // the worker has its own
	if err != nil {
		return err
	}
	go func() {
		defer close(m.read)
		defer journal.Close()
		err := readJournal(journal, m.process, func(e event) {
			if e.kind != hello {
				m.events = append(m.events, e)
				return
			}
			if at := now(); e.begin < started || e.begin > at {
				m.failed = fmt.Errorf("the clock of worker %d is another: %d is not between %d and %d", m.process, e.begin, started, at)
			}
			close(m.ready)
		})
		m.failed = cmp.Or(m.failed, err)
	}()
	return nil
}

// stop ends all workers, each when its calls have returned, and the fleet with them.
func (f *fleet) stop() {
	f.t.Helper()
	for i := range f.slots {
		f.slots[i].mu.Lock()
		defer f.slots[i].mu.Unlock()
		if m := f.slots[i].member; m != nil {
			_ = m.stdin.Close()
		}
	}
	for i := range f.slots {
		if m := f.slots[i].member; m != nil {
			f.end(m)
			f.slots[i].member = nil
		}
	}
}

// end waits for a worker that has been told to end.
func (f *fleet) end(m *member) {
	f.t.Helper()
	late := time.AfterFunc(endTimeout, func() { _ = m.cmd.Process.Signal(syscall.SIGQUIT) }) // it tells where it hangs
	defer late.Stop()
	<-m.read
	if err := m.cmd.Wait(); err != nil {
		f.t.Errorf("fleet: worker %d: %v\n%s", m.process, err, m.stderr.Bytes())
	}
	f.collect(m, unharmed)
}

const unharmed instant = 0

// collect takes over the journal of a worker that has ended. It closes what the
// worker left open when it was killed.
func (f *fleet) collect(m *member, killed instant) {
	f.t.Helper()
	if m.failed != nil {
		f.t.Error(m.failed)
	}
	open := map[event]bool{}
	var events []event
	for _, e := range m.events {
		switch {
		case e.kind == load && e.outcome == unknown:
			open[e] = true
		case e.kind == load:
			begun := e
			begun.outcome, begun.version, begun.end = unknown, 0, e.begin
			delete(open, begun)
			fallthrough
		default:
			events = append(events, e)
		}
	}
	for e := range open {
		e.end = killed
		events = append(events, e)
	}
	if killed == unharmed && len(open) > 0 {
		f.t.Errorf("fleet: worker %d has ended, and %d of its loads have not", m.process, len(open))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, events...)
}

// note adds an event of the parent's own.
func (f *fleet) note(e event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

// history returns what has taken place, once the fleet has stopped.
func (f *fleet) history() *history {
	h := &history{began: f.began, names: keyNames(), states: f.source.states(), events: slices.Clone(f.events), losses: f.losses}
	h.addLostWrites()
	h.sort()
	return h
}

// addLostWrites adds the writes whose processes died before they could tell of them.
// They may have done something until then.
func (h *history) addLostWrites() {
	type change struct{ key, version int }
	told := map[change]bool{}
	died := map[int]instant{}
	for _, e := range h.events {
		if e.kind == write {
			told[change{e.key, e.version}] = true
		}
		if e.op == killWorker {
			died[e.process] = e.end
		}
	}
	for key, states := range h.states {
		for version, s := range states {
			if version > 0 && !told[change{key, version}] {
				h.events = append(h.events, event{
					kind: write, op: del, key: key, version: version, process: s.process, span: span{s.changed.begin, died[s.process]},
				})
			}
		}
	}
}
