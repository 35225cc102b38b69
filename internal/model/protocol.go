package model

import (
	"fmt"
	"slices"
)

// A Protocol says which rules are broken. The zero Protocol is the one that the cache
// follows.
type Protocol struct {
	// Of the lease.
	NoTokenCheck    bool // a commit does not look for its token
	TokenPerClient  bool // all acquisitions have the same token
	VersionFence    bool // no lease: a load remembers a count of deletes, absent being 0
	NoRenewal       bool // a lease may end while its load runs
	OverwritesLease bool // acquire takes a lease from its holder
	EndlessLease    bool // a lease has no life of its own
	RenewRecreates  bool // a renewal does not look whether the lease is still there
	BlindRelease    bool // a release does not look for its token
	WaitsOutLease   bool // an acquire leaves another's lease with whatever TTL it has
	OnlyPolls       bool // a flight that waits does not ask again for a lease that should have ended

	// Of the value.
	OverwritesValue   bool // a commit replaces a value that has come, or changed, since the grant
	RevivesValue      bool // a refresh stores although the value has gone since the grant
	MissesMarkedLease bool // a write of elements that finds nothing does not see a lease that carries a mark
	ReusesLoad        bool // a refresh that was refused stores what it had loaded before its next lease

	// Of the flight.
	NoSeal             bool // a validated result is for all callers that join before it is returned
	SharesRefused      bool // so is one that was refused, under the seal rule
	EarlyUntilLoadEnds bool // a caller that joins during a load counts as having come before it
	SharesUncached     bool // a load without a lease counts as validated
	LooksForValueOnly  bool // a caller that is turned away does not see a marker before joining again
	SharesStale        bool // a refresh in the background that does not load ends with what the call had found that began it

	// Of versions.
	ControlPerVersion bool // each version has a control key of its own
	LeavesOthers      bool // a write leaves the value of the other version

	// Of commands.
	KeepsStale bool // a Delete leaves the value to be served while it is loaded anew
	Delete     DeleteOrder
	Retry      RetryToken
}

// A DeleteOrder is how a Delete removes the two keys.
type DeleteOrder uint8

const (
	AtOnce       DeleteOrder = iota // one command
	ControlFirst                    // two commands, as on a cluster
	ValueFirst                      // the same the wrong way round
)

// A RetryToken is what an acquire whose answer was lost is repeated with.
type RetryToken uint8

const (
	FreshToken RetryToken = iota // and takes the lease over from the earlier attempt
	SameToken                    // finds its own lease
)

// A Setup is the world that is explored.
type Setup struct {
	Readers    []int   // processes that call GetOrSet, by their number of callers
	Refreshers int     // processes with one caller that calls Refresh
	Calls      uint8   // by each caller
	Foreseen   bool    // a call may do without the first read
	Stale      bool    // what a call has found may be stale: it begins a refresh that no caller waits for
	Writes     []Write // one by each writer

	// Which actors are of a second version of the stored form: bit p the process p, readers first,
	// and bit w the writer w.
	SecondProcesses, SecondWriters uint8

	Value   bool  // the value key holds the first version at the beginning
	Mark    bool  // or the control key says that there is none
	Missing uint8 // bit v: at version v the source has no value; versions count from 1

	Faults
	OneLoad bool // there may be one load at most
}

// Faults says how often what may happen.
type Faults struct {
	Losses     uint8 // evictions, expiries, FLUSHALL; the lease of a paused process ends
	Kills      uint8 // of a process or a writer
	Lost       uint8 // answers are lost, and the commands repeated
	Late       uint8 // commands are repeated, and their first copies arrive later or not at all
	Jumps      uint8 // of the server's clock, back: a lease that is not renewed no longer ends by itself
	Timeouts   uint8 // Redis is too slow for a caller, which goes on without
	Failures   uint8 // of a load
	Departures uint8 // all callers of a load leave
}

// A Write is how a writer makes its change of the source known.
type Write uint8

const (
	Delete        Write = iota
	Set                 // also SetAbsent, if the source has no value at its version
	SetIfAbsent         // counts as a write if it stores
	ForeignSet          // of another program, which does not know the control key
	ForeignSetTo        // the same, to the very moment of expiry that the value has
	ForeignDel          // of the value key alone, counts if there is a value
	ForeignDelAny       // the same, counts in any case
	Pop                 // of elements: it changes a value that is there, and makes none
	Push                // the same, and makes one
)

func (w Write) String() string {
	return [...]string{
		"Delete", "Set", "SetIfAbsent", "foreign SET", "foreign SET to the same expiry",
		"foreign DEL of the value", "foreign DEL of the value", "pop", "push",
	}[w]
}

// orderly reports whether writers of this kind wait for each other: which of two
// values stands in the end is not for the protocol to say.
func (w Write) orderly() bool { return w != Delete && w != ForeignDel && w != ForeignDelAny }

const (
	maxTurns = 2 // after which a call has a load that begins after it; more would add nothing
	maxLoads = 2 // of a refresh
)

// A world is a setup in which all follow a protocol.
type world struct {
	Protocol
	Setup
	kinds []int // how many processes there are of each kind; those lie side by side
}

func newWorld(p Protocol, s Setup) *world {
	if err := s.fits(); err != nil {
		panic(err)
	}
	w := &world{Protocol: p, Setup: s}
	for p := range w.processes() {
		if p > 0 && w.alike(p, p-1) {
			w.kinds[len(w.kinds)-1]++
			continue
		}
		w.kinds = append(w.kinds, 1)
	}
	return w
}

// fits reports an error if a state is too small for the setup.
func (s *Setup) fits() error {
	switch {
	case len(s.Readers)+s.Refreshers > maxProcesses:
		return fmt.Errorf("model: more than %d processes", maxProcesses)
	case len(s.Readers) > 0 && slices.Max(s.Readers) > maxCallers:
		return fmt.Errorf("model: more than %d callers in a process", maxCallers)
	case len(s.Writes) > maxWriters:
		return fmt.Errorf("model: more than %d writers", maxWriters)
	}
	return nil
}

func (w *world) processes() int { return len(w.Readers) + w.Refreshers }

// alike reports whether two processes are of one kind.
func (w *world) alike(p, q int) bool {
	return w.refreshes(p) == w.refreshes(q) && w.processVersion(p) == w.processVersion(q) &&
		(w.refreshes(p) || w.Readers[p] == w.Readers[q])
}

// processVersion is the version of the stored form of a process, from 0, and writerVersion that
// of a writer.
func (w *world) processVersion(p int) uint8 { return w.SecondProcesses >> p & 1 }
func (w *world) writerVersion(i int) uint8  { return w.SecondWriters >> i & 1 }

// controlOf is what the control key of a version holds.
func (w *world) controlOf(s *state, version uint8) *control {
	if w.ControlPerVersion {
		return &s.control[version]
	}
	return &s.control[0]
}

func (w *world) refreshes(process int) bool { return process >= len(w.Readers) }

// absentAt reports whether the source has no value at a version.
func (w *world) absentAt(version uint8) bool { return w.Missing&(1<<version) != 0 }

func (w *world) initial() *state {
	s := &state{source: 1, acked: 1, left: w.Faults}
	if w.Value {
		s.values[0] = value{version: 1, life: 1}
	}
	if w.Mark {
		s.control[0] = control{kind: mark, version: 1}
	}
	for p := range w.processes() {
		callers := 1
		if !w.refreshes(p) {
			callers = w.Readers[p]
		}
		for c := range callers {
			s.processes[p].callers[c].calls = w.Calls
		}
	}
	return s
}
