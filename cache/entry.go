package cache

import "time"

// An Entry is what a cache knows of one key. How old a value is Redis cannot tell: the TTL
// that it was stored with, from which its age would follow, is not kept beside it and may
// have been shortened by Jitter, chosen by TTLFor or a loader, or given anew by Touch.
type Entry[V any] struct {
	Value  V
	State  State
	Source Source
	TTL    time.Duration // the remaining life, Forever for no end; 0 when Missing or Unknown
}

// A State says what there is of a key.
type State uint8

const (
	Missing State = iota // nothing: neither a value nor the knowledge that there is none
	Present              // a value
	Stale                // a value beyond its TTL; none yet: Config.StaleFor is not available
	Absent               // the source says that there is none
	Unknown              // Redis did not answer
)

// String returns the name of the state.
func (s State) String() string { return name(s, "Missing", "Present", "Stale", "Absent", "Unknown") }

// A Source says where an answer came from.
type Source uint8

const (
	Near   Source = iota // process memory; none yet: Config.Near is not available
	Redis                // Redis
	Loaded               // the loader
	None                 // there was no answer
)

// String returns the name of the source.
func (s Source) String() string { return name(s, "Near", "Redis", "Loaded", "None") }

func name[E ~uint8](e E, names ...string) string {
	if int(e) < len(names) {
		return names[e]
	}
	return "unknown"
}
