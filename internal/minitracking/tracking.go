// Package minitracking adds CLIENT TRACKING ON BCAST to miniredis, which lacks it: enough of it
// for internal/tracking, and more pushes than a server sends rather than one too few.
package minitracking

import (
	"slices"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// A Tracking tells the connections that track of writes. It is safe for concurrent use.
type Tracking struct {
	server *server.Server

	mu       sync.Mutex // guards all below
	trackers map[*server.Peer]*tracker
	inside   map[*server.Peer]bool     // whose command is being carried out
	queued   map[*server.Peer][]string // the arguments of a transaction's commands so far
}

// A tracker is a connection that tracks.
type tracker struct {
	prefixes []string
	busy     bool     // a command of its own is being answered
	waiting  []string // pushes, until that is over
}

// Add adds tracking to a miniredis that has begun to listen. It takes the hook of the server.
func Add(m *miniredis.Miniredis) *Tracking {
	t := &Tracking{
		server: m.Server(), trackers: make(map[*server.Peer]*tracker),
		inside: make(map[*server.Peer]bool), queued: make(map[*server.Peer][]string),
	}
	t.server.SetPreHook(t.hook)
	return t
}

// hook carries out the commands that write, and tells of them before they are acknowledged:
// the answer is sent when the hook has returned. Within a script it is called for each command.
func (t *Tracking) hook(p *server.Peer, command string, args ...string) (done bool) {
	if t.own(p, command, args) {
		return true
	}
	t.mu.Lock()
	tracker := t.trackers[p]
	if t.inside[p] || tracker == nil && !writes(t.server, command) {
		t.mu.Unlock()
		return false
	}
	t.inside[p] = true
	if tracker != nil {
		tracker.busy = true
	}
	t.mu.Unlock()
	t.server.Dispatch(p, append([]string{command}, args...))
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.inside, p)
	t.carriedOut(p, command, args)
	if tracker != nil {
		tracker.busy = false
		t.send(p, tracker)
	}
	return true
}

// writes reports whether a command may change keys that are among its arguments. Those of
// scripts come here by themselves.
func writes(s *server.Server, command string) bool {
	switch command {
	case "EVAL", "EVALSHA", "SCRIPT", "HELLO", "AUTH", "SELECT", "PING", "ECHO", "CLIENT",
		"SUBSCRIBE", "PSUBSCRIBE":
		return false
	}
	return s.IsRegisteredCommand(command) && !s.IsReadOnlyCommand(command)
}

// carriedOut tells of a command of a connection. It is called with mu held.
func (t *Tracking) carriedOut(p *server.Peer, command string, args []string) {
	queued, multi := t.queued[p]
	switch command {
	case "MULTI":
		t.queued[p] = []string{}
		if !multi {
			p.OnDisconnect(func() { t.forget(p) })
		}
	case "DISCARD":
		delete(t.queued, p)
	case "EXEC":
		delete(t.queued, p)
		t.changed(queued)
	case "FLUSHALL", "FLUSHDB":
		if multi {
			t.queued[p] = append(queued, all)
			break
		}
		t.changed([]string{all})
	default:
		if multi {
			t.queued[p] = append(queued, args...)
			break
		}
		t.changed(args)
	}
}

// all stands for all keys among those that have changed: no command has it as an argument that
// matters, as no key of a test is so.
const all = "\x00all\x00"

// changed tells the trackers of those arguments that may be keys of interest. It is called with
// mu held.
func (t *Tracking) changed(args []string) {
	if len(args) == 0 {
		return
	}
	for p, tracker := range t.trackers {
		var keys []string
		for _, arg := range args {
			begins := func(prefix string) bool { return strings.HasPrefix(arg, prefix) }
			if slices.ContainsFunc(tracker.prefixes, begins) {
				keys = append(keys, arg)
			}
		}
		if slices.Contains(args, all) {
			tracker.waiting = append(tracker.waiting, all)
		} else {
			tracker.waiting = append(tracker.waiting, keys...)
		}
		t.send(p, tracker)
	}
}

// send sends what a tracker is to be told, unless a command of its own is being answered. It is
// called with mu held.
func (t *Tracking) send(p *server.Peer, tracker *tracker) {
	if tracker.busy || len(tracker.waiting) == 0 {
		return
	}
	keys := tracker.waiting
	tracker.waiting = nil
	p.Block(func(w *server.Writer) {
		w.WritePushLen(2)
		w.WriteBulk("invalidate")
		if slices.Contains(keys, all) {
			w.WriteNull()
		} else {
			w.WriteStrings(keys)
		}
		w.Flush()
	})
}

// FlushAll tells the trackers that all keys may have changed.
func (t *Tracking) FlushAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed([]string{all})
}

// own answers the commands that miniredis does not know.
func (t *Tracking) own(p *server.Peer, command string, args []string) (done bool) {
	switch {
	case command == "HELLO" && len(args) == 0:
		protocol := "2"
		if p.Resp3 {
			protocol = "3"
		}
		t.server.Dispatch(p, []string{"HELLO", protocol})
	case command == "CLIENT" && len(args) >= 2 && strings.EqualFold(args[0], "TRACKING"):
		t.track(p, args[1:])
	default:
		return false
	}
	return true
}

// track carries out CLIENT TRACKING OFF, and ON with BCAST.
func (t *Tracking) track(p *server.Peer, args []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if strings.EqualFold(args[0], "OFF") {
		delete(t.trackers, p)
		p.WriteOK()
		return
	}
	on := t.trackers[p]
	if on == nil {
		on = &tracker{}
	}
	var prefixes []string
	broadcast := false
	for i := 1; i < len(args); i++ {
		switch {
		case strings.EqualFold(args[i], "BCAST"):
			broadcast = true
		case strings.EqualFold(args[i], "PREFIX") && i+1 < len(args):
			i++
			prefixes = append(prefixes, args[i])
		default:
			p.WriteError("ERR syntax error")
			return
		}
	}
	if !strings.EqualFold(args[0], "ON") || !broadcast {
		p.WriteError("ERR cachetest tracks with BCAST alone")
		return
	}
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	for i, prefix := range prefixes {
		for _, other := range slices.Concat(on.prefixes, prefixes[:i]) {
			if strings.HasPrefix(prefix, other) || strings.HasPrefix(other, prefix) {
				p.WriteError("ERR Prefix '" + prefix + "' overlaps with an existing prefix '" + other +
					"'. Prefixes for a single client must not overlap.")
				return
			}
		}
	}
	if t.trackers[p] == nil {
		t.trackers[p] = on
		p.OnDisconnect(func() { t.forget(p) })
	}
	on.prefixes = append(on.prefixes, prefixes...)
	p.WriteOK()
}

// forget drops a connection that has ended.
func (t *Tracking) forget(p *server.Peer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.trackers, p)
	delete(t.queued, p)
}
