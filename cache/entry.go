package cache

import "time"

// An Entry is what a cache knows of one key. How old a value is Redis cannot tell: the TTL
// that it was stored with, from which its age would follow, is not kept beside it and may
// have been shortened by Jitter, chosen by TTLFor or a loader, or given anew by Touch.
type Entry[V any] struct {
	Value  V
	State  State
	Source Source
	// TTL is what is left of the TTL, Forever for no end; 0 when Missing or Unknown. Of a value that
	// is Stale it is for how long that is still kept. Of an absence it is 0 when that is stale, or
	// is being refreshed in a cache with StaleFor.
	TTL time.Duration
}

// A State says what there is of a key.
type State uint8

const (
	Missing State = iota // nothing: neither a value nor the knowledge that there is none
	Present              // a value
	Stale                // a value beyond its TTL, see Config.StaleFor
	Absent               // the source says that there is none
	Unknown              // Redis did not answer
)

// hasValue reports whether there is a value.
func (s State) hasValue() bool { return s == Present || s == Stale }

// String returns the name of the state.
func (s State) String() string { return name(s, "Missing", "Present", "Stale", "Absent", "Unknown") }

// A Source says where an answer came from.
type Source uint8

const (
	Near   Source = iota // process memory, see Config.Near
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
