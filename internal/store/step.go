package store

import (
	"cmp"
	"context"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

// A Write is a Step that writes a whole value, or what its control key says.
type Write struct {
	// Done is set by the answer: of a PutIfAbsentStep that it has stored the value, of a
	// TouchStep that there is one, of all others always.
	Done bool

	store   *Store
	key     string
	durable bool
	once    bool           // it is not to be repeated
	leaves  bool           // the values of neighbouring versions stay: the source has not changed
	sc      *client.Script // nil: a delete
	args    []any
	value   *codec.Wire // of a put, for ttl or Forever
	marker  string      // what a put says in place of a value
	ttl     time.Duration
	longest int    // bytes of the longest part of the value, if it may be long
	changed bool   // the server has written something
	partial bool   // of a delete: the control key is left
	staged  string // the key where the value is staged, empty if it is not
}

// PutStep is Put of a value for which Size has no error. The value of e has to stay as it
// is until it was sent.
func (s *Store) PutStep(key string, e *Entry, ttl time.Duration) *Write {
	w := &Write{store: s, key: key, durable: true, sc: put, value: &e.Wire, ttl: ttl}
	switch size, _ := e.Size(); {
	case e.Wire.Len() == 0:
		return s.markerStep(key, s.markerEmpty(), ttl)
	case size > maxFill || e.Wire.Len() > maxFillParts:
		w.longest = e.largest()
		w.staged = s.family.Staging(s.family.Control(key), rediskey.NewToken())
		w.args = []any{milliseconds(ttl), "staged", s.kind.count, s.partsOf(&e.Wire)}
	default:
		w.args = s.putArgs(e, ttl)
	}
	return w
}

// putArgs are the arguments of put.lua for a value that is not staged.
func (s *Store) putArgs(e *Entry, ttl time.Duration) []any {
	ms, value := s.adding(e, ttl)
	return append([]any{ms, ""}, value...)
}

// adding returns how a script adds a value: its TTL in milliseconds, or -1 where the command
// sees to that, and the command and its arguments.
func (s *Store) adding(e *Entry, ttl time.Duration) (ms int64, command []any) {
	w, ms := &e.Wire, milliseconds(ttl)
	command = s.kind.appendParts(append(make([]any, 0, 4), s.kind.add), w, 0, w.Len())
	if s.shape == codec.ShapeString && ttl != Forever {
		return -1, append(command, "px", ms)
	}
	return ms, command
}

// PutAbsentStep is PutAbsent.
func (s *Store) PutAbsentStep(key string, ttl time.Duration) *Write {
	return s.markerStep(key, markerAbsent, ttl)
}

func (s *Store) markerStep(key, marker string, ttl time.Duration) *Write {
	return &Write{store: s, key: key, durable: true, sc: put, marker: marker, ttl: ttl, args: s.markerArgs(marker, ttl)}
}

// markerArgs are the arguments of put.lua for a marker in place of a value.
func (s *Store) markerArgs(marker string, ttl time.Duration) []any {
	return []any{milliseconds(markerTTL(ttl)), marker}
}

// PutIfAbsentStep is PutIfAbsent. The value of e has to stay as it is until it was sent.
func (s *Store) PutIfAbsentStep(key string, e *Entry, ttl time.Duration) *Write {
	return &Write{store: s, key: key, durable: true, once: true, sc: putIfAbsent, args: s.putIfAbsentArgs(e, ttl), longest: e.largest()}
}

// TouchStep is Touch.
func (s *Store) TouchStep(key string, ttl time.Duration) *Write {
	return &Write{store: s, key: key, sc: touch, args: s.touchArgs(ttl), leaves: true}
}

// DeleteStep is Delete of one key.
func (s *Store) DeleteStep(key string) *Write { return &Write{store: s, key: key, durable: true} }

// call is the script of a write, where that is all to be sent.
func (w *Write) call() (e client.Call, ok bool) {
	if w.staged != "" || w.durable && w.store.Replicas() > 0 {
		return e, false
	}
	return client.Call{Script: w.sc, Retry: w.Retry(), Keys: w.keys(), Args: w.args}, true
}

// keys are the keys of its script. Of a delete they are what it removes.
func (w *Write) keys() []any { return w.appendKeys(make([]any, 0, maxWriteKeys)) }

func (w *Write) appendKeys(dst []any) []any {
	family := &w.store.family
	if w.leaves {
		return append(dst, w.key, family.Control(w.key))
	}
	return family.AppendKeys(dst, w.key)
}

// Key is part of Step.
func (w *Write) Key() string { return w.key }

// Changed is part of [client.Step].
func (w *Write) Changed() bool { return w.changed }

// Durable is part of Step.
func (w *Write) Durable() bool          { return w.durable }
func (w *Write) Keys() []string         { return []string{w.key} }
func (w *Write) Writes() bool           { return true }
func (w *Write) Script() *client.Script { return w.sc }
func (w *Write) Largest() int           { return w.longest }

func (w *Write) Retry() client.Retry { return client.Retry(!w.once) }

func (w *Write) Commands(ctx context.Context, mode client.EvalMode) []*client.Command {
	if w.sc == nil {
		return w.unlinks(ctx)
	}
	keys := w.keys()
	var cmds []*client.Command
	if w.staged != "" {
		keys = append(keys, w.staged)
		cmds = w.store.stageValue(ctx, w.staged, w.value)
	}
	return append(cmds, mode.Command(ctx, w.sc, keys, w.args))
}

func (w *Write) Answered(_ context.Context, _ *client.Client, cmds []*client.Command) error {
	last := cmds[len(cmds)-1]
	n, err := last.Int()
	if w.sc == nil { // a delete
		n, err = 1, cmp.Or(cmds[0].Err(), last.Err(), w.removed(cmds))
		switch {
		case err == nil && w.partial:
			err = w.store.withoutControl(w.key)
		case err == nil:
			w.store.control.Clear()
		}
	}
	if n < 0 && err == nil {
		err = incomplete(cmds)
	}
	w.Done = n == 1 && err == nil
	w.changed = w.Done && (w.sc != nil || w.changed)
	return client.Redact(err)
}

// removed notes whether a delete has removed anything, and returns an error if there is no
// answer to one of its commands: a hook may keep an error to itself.
func (w *Write) removed(cmds []*client.Command) error {
	for _, cmd := range cmds {
		n, err := cmd.Int()
		if err != nil {
			return err
		}
		w.changed = w.changed || n > 0
	}
	return nil
}
