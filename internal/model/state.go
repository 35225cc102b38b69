package model

// What bounds a Setup.
const (
	maxProcesses = 4
	maxCallers   = 2 // of a process
	maxWriters   = 3
	maxSea       = 2
	versions     = 2 // of the stored form
)

// A state is all that the future of one key depends on. All its fields are bytes, so
// that it is compared, copied and hashed as one piece of memory.
//
// Versions count what the source has held; 0 is none. A token or a life is a number
// that only its equals are compared with.
type state struct {
	source  uint8 // what the source holds
	acked   uint8 // the newest version whose write has been acknowledged
	values  [versions]value
	control [versions]control // of the first version those of all, but see Protocol.ControlPerVersion

	processes [maxProcesses]process
	writers   [maxWriters]writer
	sea       [maxSea]command // sent, and no actor waits for the answer any more
	left      Faults

	loads  uint8 // begun, if the setup bounds them
	breach Breach
}

// A value is what a value key holds: K, or K' of the second version.
type value struct {
	version uint8
	life    uint8 // stands for its moment of expiry, anew for each write; 0: there is no value
}

// A control is what the control key C holds.
type control struct {
	kind    holds
	token   uint8 // of a lease
	version uint8 // of the source for which a mark is true, alone or carried by a lease; or the count, see Protocol.VersionFence
	endless bool  // its life is beyond any sensible one
}

type holds uint8

const (
	free holds = iota
	lease
	mark  // the source has no value
	count // of deletes
)

// A process has callers that share its flight.
type process struct {
	dead    bool
	flight  flight
	callers [maxCallers]caller
}

// A caller makes some calls, one after the other. What it is about stands in phase;
// the rest belongs to the call under way.
type caller struct {
	calls    uint8 // still to come, after this one
	phase    callPhase
	floor    uint8 // what had been acknowledged when the call began: it returns nothing older
	turns    uint8 // how often it was turned away
	entitled entitlement
	blind    bool // Redis has failed the call
}

type callPhase uint8

const (
	idle      callPhase = iota
	reading             // its read is sent
	missed              // has found nothing
	leading             // its flight is under way
	following           // another's is
	alone               // loads for itself
)

// An entitlement says to which results of its flight a follower has a right.
type entitlement uint8

const (
	late   entitlement = iota // to none
	sealed                    // joined before the last validating command was sent: to a validated one
	early                     // joined before the load began: to any
)

// A flight obtains the key for its process.
type flight struct {
	phase  flightPhase
	status status // how Redis has executed the command of the phase

	token    uint8 // of the lease that it asks for, has, or releases
	previous uint8 // token of an earlier attempt to ask, see FreshToken
	saw      uint8 // life of the value when the lease was granted
	mark     uint8 // version of the mark that the lease has replaced

	version  uint8 // found, or loaded; 0: none yet
	began    uint8 // the newest write that had taken effect when the load began
	loads    uint8 // that were refused before, of a refresh
	uncached bool  // loads without a lease

	background bool // a refresh that no caller has to wait for
}

type flightPhase uint8

const (
	grounded flightPhase = iota // there is no flight
	acquiring
	looking // reads the value that acquire has found
	polling // waits for another's lease
	loading
	committing
	releasing
	clearing // a refresh that has given up removes the value
)

// A writer makes one write.
type writer struct {
	phase   writePhase
	version uint8
}

type writePhase uint8

const (
	unwritten writePhase = iota
	sent                 // the source is changed, the command is on its way
	halfDone             // the first of its two commands is executed
	written
)

// running reports whether some call of a living process, or a write, is under way.
func (*world) running(s *state) bool {
	for i := range s.processes {
		for _, c := range s.processes[i].callers {
			if c.phase != idle {
				return true
			}
		}
	}
	for _, w := range s.writers {
		if w.phase == sent || w.phase == halfDone {
			return true
		}
	}
	return false
}

// freshToken returns a token that is not in use.
func (s *state) freshToken() uint8 {
	used := uint32(1)
	for _, c := range s.control {
		if c.kind == lease {
			used |= 1 << c.token
		}
	}
	for i := range s.processes {
		f := &s.processes[i].flight
		used |= 1<<f.token | 1<<f.previous
	}
	for _, c := range s.sea {
		used |= 1<<c.token | 1<<c.previous
	}
	return firstUnused(used)
}

// freshLife returns a life that no value has had, as far as anybody remembers.
func (s *state) freshLife() uint8 {
	used := uint32(1)
	for _, v := range s.values {
		used |= 1 << v.life
	}
	for i := range s.processes {
		used |= 1 << s.processes[i].flight.saw
	}
	for _, c := range s.sea {
		used |= 1 << c.saw
	}
	return firstUnused(used)
}

func firstUnused(used uint32) (n uint8) {
	for used&(1<<n) != 0 {
		n++
	}
	return n
}
