package store

import (
	"context"
	"time"
)

// Written tells the caches that keep values of the keys in memory, or of their neighbouring
// versions, that these are written. Call it before a write is sent, and once more when it was
// answered or is given up.
func (s *Store) Written(keys ...string) {
	if !s.WritesWatched() {
		return
	}
	for _, key := range keys {
		for i, name := range s.writeKeys(key) {
			if i != controlKey {
				s.TellWrite(name.(string))
			}
		}
	}
}

// WritingOf tells of the write of a step, if it is one, as that begins and ends in a pipeline.
func (s *Store) WritingOf(step Step) func(context.Context, time.Time) (end func(), err error) {
	if !step.Writes() {
		return nil
	}
	return func(context.Context, time.Time) (end func(), err error) {
		s.Written(step.Keys()...)
		return func() { s.Written(step.Keys()...) }, nil
	}
}

// WatchWrites has written called, until stop, for the writes that Written tells of, of keys of the
// store.
func (s *Store) WatchWrites(written func(key string)) (stop func()) {
	prefixes := s.Prefixes()
	stops := make([]func(), len(prefixes))
	for i, prefix := range prefixes {
		stops[i] = s.Client.WatchWrites(prefix, written)
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// Prefixes returns what the keys of the store begin with.
func (s *Store) Prefixes() []string { return s.family.Prefixes() }

// ControlPrefix returns what the control keys of the store begin with.
func (s *Store) ControlPrefix() string { return s.family.Prefix() }

// IsKey reports whether a Redis key is one of the store's.
func (s *Store) IsKey(key string) bool { return s.family.Is(key) }

// KeyOf returns the Redis key that a person means by a text, see rediskey.Family.
func (s *Store) KeyOf(text string) string { return s.family.KeyOf(text) }

// controlKey is the place of the control key in writeKeys.
const controlKey = 1
