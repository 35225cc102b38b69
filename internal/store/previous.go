package store

import (
	"time"

	"github.com/asidecache/aside/internal/client"
)

// PreviousKey returns the key of the version before for a key, and whether there is one.
func (s *Store) PreviousKey(key string) (previous string, ok bool) { return s.family.Previous(key) }

// EmptyUntil reports whether the lease, which may be another version's, has replaced a marker
// that says that the value of s is empty, and until when that says so.
func (s *Store) EmptyUntil(l *Lease) (ends time.Time, ok bool) {
	had := l.had()
	return had.markerEnds, s.isEmpty(had.marker)
}

// Upgrades says that what will be stored was made of the value of a key of the same slot: it is
// stored only if that is there still. A Delete may end the lease before the value, and before
// the lease was granted.
func (l *Lease) Upgrades(key string) { l.previous = key }

// either returns the script of a load's commit, or that of an upgrade's.
func (l *Lease) either(load, upgrade *client.Script) *client.Script {
	if l.previous != "" {
		return upgrade
	}
	return load
}

// guardedKeys are the keys of a script that guard.lua is part of, and those of its own.
func (l *Lease) guardedKeys(own ...any) []any {
	keys := l.keys[:len(l.keys):len(l.keys)]
	if l.previous != "" {
		keys = append(keys, l.previous)
	}
	return append(keys, own...)
}
