package cachetest

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/keyspace"
)

// Strict makes a test fail at the first hit that differs from the source as nobody has invalidated
// the entry: call it before the cache is made. Each hit of GetOrSet, GetOrSetEntry and
// GetOrSetMany is audited, see cache.AuditConfig, before the call returns. The failure names the
// key, the fields that differ and the call, and a Delete of the same key in another strict cache of
// the test: the one that was thought of.
//
//	cachetest.Strict(t, &cfg)
//	users := cachetest.New(t, cfg)
//
// It needs leases, as all audits do: New refuses a cfg whose Lease is cache.Off.
//
// It sets cfg.Audit, of which Grace and Repair stay as they are, and joins cfg.Observer. A call
// that finds a difference waits for Grace, as another goroutine may be about to invalidate the
// entry; so a Delete that the same goroutine would call afterwards comes too late. Where an entry
// is read that is to be old, as between a change and its Delete, do not be strict.
//
// It works with any server. A loader is called once more for each hit: tests that count its calls
// have to count with that.
func Strict[K comparable, V any](t testing.TB, cfg *cache.Config[K, V]) {
	t.Helper()
	s := strictOf(t)
	name := cfg.Name
	cfg.Audit.Rate, cfg.Audit.MaxPerSecond = 1, keyspace.AuditAtOnce
	cfg.Observer = cache.Join(cache.Observer{
		Write: func(_ context.Context, e cache.WriteEvent) { s.write(name, e) },
		Audit: func(ctx context.Context, e cache.AuditEvent) { s.audit(name, e, keyspace.AuditedCall(ctx)) },
	}, cfg.Observer)
}

// A strict is what is known of the strict caches of a test.
type strict struct {
	mu      sync.Mutex
	t       testing.TB            // nil when it has ended
	deletes map[string][]deletion // by what keys have behind the names of caches
	failed  bool
}

// A deletion is the latest of a key in one cache.
type deletion struct{ cache, at string }

var stricts = struct {
	sync.Mutex
	of map[testing.TB]*strict
}{of: make(map[testing.TB]*strict)}

// strictOf returns what the strict caches of a test have in common.
func strictOf(t testing.TB) *strict {
	stricts.Lock()
	defer stricts.Unlock()
	s := stricts.of[t]
	if s == nil {
		s = &strict{t: t, deletes: make(map[string][]deletion)}
		stricts.of[t] = s
		t.Cleanup(func() {
			stricts.Lock()
			delete(stricts.of, t)
			stricts.Unlock()
			s.mu.Lock()
			s.t = nil
			s.mu.Unlock()
		})
	}
	return s
}

func (s *strict) write(name string, e cache.WriteEvent) {
	if e.Op != cache.OpDelete || e.Outcome != cache.WriteOK {
		return
	}
	pcs := make([]uintptr, 64)
	at := callIn(pcs[:runtime.Callers(1, pcs)])
	s.mu.Lock()
	defer s.mu.Unlock()
	id := idOf(name, e.Key)
	all := s.deletes[id]
	for i := range all {
		if all[i].cache == name {
			all[i].at = at
			return
		}
	}
	s.deletes[id] = append(all, deletion{name, at})
}

func (s *strict) audit(name string, e cache.AuditEvent, call []uintptr) {
	if e.Result != cache.AuditMissed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.t == nil || s.failed {
		return
	}
	s.failed = true
	s.t.Helper()
	s.t.Error(s.report(name, e, callIn(call)))
}

// report says what is wrong with an entry.
func (s *strict) report(name string, e cache.AuditEvent, at string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cachetest: the entry %q of cache %q is old, and nobody has invalidated it: ", e.Key, name)
	switch {
	case e.Loaded == cache.Absent:
		b.WriteString("the source has no such value any more")
	case e.Cached == cache.Absent:
		b.WriteString("it says that the source has no value, and that has one")
	case len(e.Fields) > 0:
		fmt.Fprintf(&b, "the source has another %s", strings.Join(e.Fields, ", "))
	default:
		b.WriteString("the source has another value")
	}
	fmt.Fprintf(&b, ". It was read by %s", e.Op)
	if at != "" {
		fmt.Fprintf(&b, " at %s", at)
	}
	b.WriteString(".")
	id := idOf(name, e.Key)
	for _, d := range s.deletes[id] {
		if d.cache == name {
			continue
		}
		fmt.Fprintf(&b, " Cache %q has deleted %q", d.cache, id)
		if d.at != "" {
			fmt.Fprintf(&b, ", at %s", d.at)
		}
		fmt.Fprintf(&b, ": delete it in %q as well.", name)
	}
	return b.String()
}

// idOf returns what a Redis key has behind the name of its cache.
func idOf(name, redisKey string) string {
	if rest, ok := strings.CutPrefix(redisKey, name+":"); ok {
		return rest
	}
	rest, ok := strings.CutPrefix(redisKey, name+"@") // of a Version
	if !ok {
		return redisKey
	}
	rest = strings.TrimLeft(rest, "0123456789")
	if own, ok := strings.CutPrefix(rest, ":"); ok {
		return own
	}
	tag, behind, _ := strings.Cut(strings.TrimPrefix(rest, "{"), "}")
	if behind != "" {
		tag = behind
	}
	return strings.TrimPrefix(tag, name+":")
}

// callIn returns the file and the line of the call of this module in a stack, or nothing if there
// is none that is not of this module.
func callIn(stack []uintptr) string {
	frames := runtime.CallersFrames(stack)
	for {
		f, more := frames.Next()
		isGo := strings.HasPrefix(f.Function, "sync.") || strings.HasPrefix(f.Function, "runtime.")
		switch {
		case f.Function != "" && !isGo && !isOwn(f.Function):
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		case !more:
			return ""
		}
	}
}

const module = "github.com/asidecache/aside/"

// isOwn reports whether a function is one of this module, and no test of it.
func isOwn(function string) bool {
	rest, ok := strings.CutPrefix(function, module)
	if !ok {
		return false
	}
	rest, _, _ = strings.Cut(rest, "[") // types, which have paths as well
	slash := strings.LastIndexByte(rest, '/') + 1
	last, _, _ := strings.Cut(rest[slash:], ".")
	folder, _, _ := strings.Cut(rest[:slash]+last, "/")
	return folder != "examples" && folder != "bench" && !strings.HasSuffix(last, "_test")
}
