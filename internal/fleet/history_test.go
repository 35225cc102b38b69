package fleet

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// An instant is a moment on the machine's monotonic clock, in nanoseconds.
type instant int64

func (i instant) add(d time.Duration) instant   { return i + instant(d) }
func (i instant) since(j instant) time.Duration { return time.Duration(i - j) }

const forever instant = math.MaxInt64

// A span is a time, both ends included.
type span struct{ begin, end instant }

// An event is anything that took place.
type event struct {
	kind    kind
	op      op
	outcome outcome
	key     int     // noKey for all of them
	process int     // or parent
	version int     // seen, loaded or written
	asked   instant // of a load: when the call began that brought its loader
	near    bool    // a near cache may have answered
	span
}

const (
	noKey  = -1
	parent = 0 // as a process
)

// A kind sorts events.
type kind uint8

const (
	hello       kind = iota + 1 // a worker is ready
	read                        // a call that looked at a key
	write                       // a change of the source, and the call that told the cache
	load                        // a run of a loader
	failure                     // the cache heard that Redis failed, or of the breaker, which concerns all keys
	undelivered                 // from a write that Redis failed until a delete of the key was delivered
	sentAgain                   // a process deleted a key in the background, after a write of it
	stall                       // a process, or a server if it is the parent's, did not get on for so long that a lease may have ended
	fault                       // something that was done to the fleet
)

// An op is what a call or a fault does.
type op uint8

const (
	getOrSet op = iota + 1
	get
	entry
	refresh
	del
	set
	setAbsent
	setIfAbsent
	touch
	getOrSetMany
	getMany
	setMany
	setEmpty
	trim
	popFront
	loading
	atRest
	breakerOpens
	breakerCloses

	foreignSet
	foreignDelete
	foreignRevoke
	killConnections
	killWorker
	pauseWorker
	flushScripts
	evict
	deployWorker

	failOver
	migrateSlots
	killMaster
	freezeMaster
	forgetLatest
	replaceMaster
)

func (o op) String() string {
	return [...]string{
		"nothing", "GetOrSet", "Get", "Entry", "Refresh", "Delete", "Set", "SetAbsent", "SetIfAbsent", "Touch", "GetOrSetMany", "GetMany", "SetMany", "Set to an empty list", "Trim", "PopFront", "load", "look at what rests there", "the breaker opens", "the breaker closes",
		"foreign SET", "foreign DEL of value and control key", "foreign DEL of the control key", "CLIENT KILL", "SIGKILL", "SIGSTOP", "SCRIPT FLUSH", "eviction", "restart with another version",
		"graceful failover", "migration of slots", "SIGKILL of a master", "SIGSTOP of a master", "loss of a master's last writes", "SENTINEL FAILOVER",
	}[o]
}

// An outcome is how a call or load ended.
type outcome uint8

const (
	unknown     outcome = iota // its process died
	found                      // with a version
	absent                     // the source has no value
	nothing                    // nothing is known of the key
	done                       // the write is acknowledged
	left                       // its context ended
	sourceFails                // its loader failed or panicked, or one that it waited for
	redisFails
)

func (o outcome) String() string {
	return [...]string{"unknown", "found", "does not exist", "nothing", "acknowledged", "context ended", "loader failed", "Redis failed"}[o]
}

// A state is what the register of a key holds from one change to the next. Its
// index is the version.
type state struct {
	exists  bool
	process int  // that changed it
	changed span // within which it became so
}

// A history is what took place in one fleet on one set of keys.
type history struct {
	began  instant
	names  []string  // of the keys
	states [][]state // by key and version
	events []event
	losses []loss
}

// sort puts the events in the order in which they began.
func (h *history) sort() {
	slices.SortFunc(h.events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
}

// of returns the events of a kind.
func (h *history) of(k kind) (events []event) {
	for _, e := range h.events {
		if e.kind == k {
			events = append(events, e)
		}
	}
	return events
}

// unasked returns the times in which each process did not ask Redis, as its breaker was open: the
// cache tells of few of the calls that this fails. Of a process that died meanwhile it is the rest.
func (h *history) unasked() spanIndex[int] {
	type begin struct {
		process int
		at      instant
	}
	all, over := spanIndex[int]{}, map[begin]bool{}
	failures := h.of(failure)
	for _, e := range failures {
		if e.op == breakerCloses {
			all.add(e.process, e.span)
			over[begin{e.process, e.begin}] = true
		}
	}
	for _, e := range failures {
		if e.op == breakerOpens && !over[begin{e.process, e.begin}] {
			all.add(e.process, span{e.begin, forever})
		}
	}
	all.sort()
	return all
}

// line tells of one event.
func (h *history) line(e event) string {
	who := "parent  "
	if e.process > 0 {
		who = fmt.Sprintf("worker %d", e.process)
	}
	what := e.op.String()
	switch e.kind {
	case failure:
		if e.key != noKey {
			what = "Redis failed the call"
		}
	case undelivered:
		what = "a write was followed by deletes, until one was delivered, of"
	case sentAgain:
		what = "a delete was sent in the background, of"
	case stall:
		what = "the process did not get on"
		if e.process == parent {
			what = "a server did not answer"
		}
	}
	if e.key != noKey {
		what += " " + h.names[e.key]
	}
	switch {
	case e.kind == write:
		what += fmt.Sprintf(" after the change to version %d: %v", e.version, e.outcome)
	case e.outcome == found:
		what += fmt.Sprintf(" = version %d", e.version)
	case e.kind == read || e.kind == load:
		what += ": " + e.outcome.String()
	}
	if e.kind == load {
		what += fmt.Sprintf(", for a call of %.3f ms", h.ms(e.asked))
	}
	return fmt.Sprintf("%11.3f ms .. %11.3f ms  %s  %s", h.ms(e.begin), h.ms(e.end), who, what)
}

func (h *history) ms(i instant) float64 { return i.since(h.began).Seconds() * 1000 }
