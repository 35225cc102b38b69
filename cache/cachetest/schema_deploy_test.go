package cachetest_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/codec"
)

// What becomes of an entry that one version of a program has stored and the other reads.
const (
	right    = "right"
	wrong    = "wrong" // another value than the one that was stored
	outdated = "outdated"
	broken   = "broken"
)

// claims has what the sentences of Schema say of a version, by what begins behind its name.
var claims = map[string][]string{
	"reads entries of the ": {right},
	"ignores it":            {right},
	"reads it as zero from entries without it":                   {wrong},
	"reads nil as zero":                                          {wrong},
	"reads values that fit, and finds other entries broken and ": {broken}, // the samples do not fit
	"finds entries without it outdated and loads them anew":      {outdated},
	"finds entries of the other broken and loads them anew":      {broken},
	"finds entries of the running one broken and loads them an":  {broken},
	"finds entries of the new one broken and loads them anew":    {broken},
	"finds entries of the other broken, or reads another value":  {broken, wrong},
	"finds entries of the running one broken, or reads another ": {broken, wrong},
	"finds entries of the new one broken, or reads another val":  {broken, wrong},
}

// claimed returns what a report may be understood to say of the reads of a version.
func claimed(t *testing.T, report, version string) (outcomes []string) {
	for _, line := range strings.Split(report, "\n") {
		for _, subject := range []string{": " + version + " ", "; " + version + " ", ": each version "} {
			_, claim, ok := strings.Cut(line, subject)
			if !ok || !strings.HasPrefix(line, "\t") {
				continue
			}
			known := len(outcomes)
			for begins, says := range claims {
				if strings.HasPrefix(claim, begins) {
					outcomes = append(outcomes, says...)
				}
			}
			if len(outcomes) == known {
				t.Errorf("what does this say of the entries: %s", line)
			}
		}
	}
	if outcomes == nil {
		return []string{right}
	}
	return outcomes
}

// A rollout is a change of a struct or a codec, carried out.
type rollout struct {
	report             string // what Schema says
	newReads, oldReads string

	// Loads beyond the first one, where the old or the new version has stored an entry and both
	// read it three times, in turn.
	ofOld, ofNew loads
}

type loads struct{ new, old int }

// change carries out a change of codecs. Each version has a value at its source.
func change[Old, New any](was codec.Codec[Old], old Old, is codec.Codec[New], now New) func(t *testing.T) rollout {
	return func(t *testing.T) rollout {
		r := rollout{report: reportOf(t, was, is)}
		r.newReads = readBy(t, was, old, is)
		r.oldReads = readBy(t, is, now, was)
		r.ofOld.old, r.ofOld.new = inTurn(t, was, old, is, now)
		r.ofNew.new, r.ofNew.old = inTurn(t, is, now, was, old)
		return r
	}
}

// reportOf returns what Schema says of is where the file was written for was.
func reportOf[Old, New any](t *testing.T, was codec.Codec[Old], is codec.Codec[New]) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "v.schema")
	if err := os.WriteFile(file, []byte(cachetest.Description(was)), 0o600); err != nil {
		t.Fatal(err)
	}
	return schemaFails(t, is, file)
}

// schemaFails returns how Schema fails, empty if it does not.
func schemaFails[V any](t *testing.T, c codec.Codec[V], file string) string {
	t.Helper()
	inner := tb{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		cachetest.Schema(&inner, c, file)
	}()
	<-done
	return inner.fatal
}

// readBy has one version read what another has stored.
func readBy[W, R any](t *testing.T, from codec.Codec[W], stored W, to codec.Codec[R]) string {
	t.Helper()
	srv := cachetest.NewServer(t)
	writer, reader := version(t, srv, from), version(t, srv, to)
	if err := writer.Set(t.Context(), "k", stored); err != nil {
		t.Fatal(err)
	}
	v, ok, err := reader.Get(t.Context(), "k")
	switch s := reader.Stats(); {
	case s.Outdated == 1 && !ok:
		return outdated
	case s.Broken == 1 && !ok:
		return broken
	case err != nil || !ok:
		t.Fatalf("Get = %v, %v", ok, err)
	}
	if agree(reflect.ValueOf(v), reflect.ValueOf(stored)) {
		return right
	}
	return wrong
}

// agree reports whether all that was read is what was stored, in types of another version.
func agree(read, stored reflect.Value) bool {
	isNil := func(v reflect.Value) bool { return v.Kind() == reflect.Pointer && v.IsNil() }
	if isNil(read) || isNil(stored) {
		return isNil(read) && isNil(stored)
	}
	read, stored = reflect.Indirect(read), reflect.Indirect(stored)
	switch read.Kind() {
	case reflect.Struct:
		for f := range read.Type().Fields() {
			if of := stored.FieldByName(f.Name); f.IsExported() && (!of.IsValid() || !agree(read.FieldByIndex(f.Index), of)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if stored.Kind() == reflect.String {
			return string(read.Bytes()) == stored.String()
		}
		if read.Len() != stored.Len() {
			return false
		}
		for i := range read.Len() {
			if !agree(read.Index(i), stored.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		for _, k := range read.MapKeys() {
			if k.Type() != stored.Type().Key() {
				return false
			}
			if of := stored.MapIndex(k); !of.IsValid() || !agree(read.MapIndex(k), of) {
				return false
			}
		}
		return read.Len() == stored.Len()
	}
	same := func(a, b reflect.Value) bool {
		return a.CanConvert(b.Type()) && reflect.DeepEqual(a.Convert(b.Type()).Interface(), b.Interface())
	}
	return same(read, stored) && same(stored, read)
}

// inTurn has one version load an entry, and both read it in turn. It counts the loads of each
// after that.
func inTurn[A, B any](t *testing.T, a codec.Codec[A], ofA A, b codec.Codec[B], ofB B) (loadsA, loadsB int) {
	t.Helper()
	srv := cachetest.NewServer(t)
	first, second := version(t, srv, a), version(t, srv, b)
	get(t, first, ofA, new(int))
	for range 3 {
		get(t, second, ofB, &loadsB)
		get(t, first, ofA, &loadsA)
	}
	return loadsA, loadsB
}

func get[V any](t *testing.T, c *cache.Cache[string, V], v V, loads *int) {
	t.Helper()
	_, err := c.GetOrSet(t.Context(), "k", func(context.Context, string) (V, error) {
		*loads++
		return v, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// version returns the cache of one version of a program.
func version[V any](t *testing.T, srv *cachetest.Server, c codec.Codec[V]) *cache.Cache[string, V] {
	t.Helper()
	client := redis.NewClient(srv.Options())
	made, err := cache.New(client, cache.Config[string, V]{Name: "v", TTL: time.Hour, Codec: c, RedisTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = made.Close()
		_ = client.Close()
	})
	return made
}

// What Schema says of a change is what happens when it is carried out.
func TestSchemaSaysWhatHappens(t *testing.T) {
	for name, row := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := row.carryOut(t)
			if row.says == nil && r.report == "" { // it is no change of what is stored
				r.report = "\n\t\n" + cachetest.NoChange
			}
			for _, sentence := range row.says {
				if !strings.Contains(r.report, "\t"+sentence+"\n") {
					t.Errorf("it does not say\n\t%s\nbut\n%s", sentence, r.report)
				}
			}
			if n := strings.Count(r.report, "\n\t"); n != len(row.says)+1 {
				t.Errorf("it says more:\n%s", r.report)
			}
			if says := claimed(t, r.report, "the new version"); !slices.Contains(says, r.newReads) {
				t.Errorf("the new version reads %s, and not %v:\n%s", r.newReads, says, r.report)
			}
			if says := claimed(t, r.report, "the running version"); !slices.Contains(says, r.oldReads) {
				t.Errorf("the running version reads %s, and not %v:\n%s", r.oldReads, says, r.report)
			}
			if want := r.summary(); !strings.Contains(r.report, "\n"+want) {
				t.Errorf("%+v is not summed up as %q:\n%s", r, want, r.report)
			}
		})
	}
}

// summary returns the beginning of the last sentence of the report, by what has happened.
func (r rollout) summary() string {
	const each = 3
	switch {
	case r.newReads == wrong || r.oldReads == wrong:
		return "Set Version"
	case r.ofOld == loads{each, each} && r.ofNew == loads{each, each}:
		return "Set Version: until the deploy is over, each version loads anew what the other has stored.\n"
	case r.ofOld == loads{new: 1} && r.ofNew == loads{}:
		return "Version can stay: the new version loads such entries once, and both versions read what it stores.\n"
	case r.ofOld == loads{} && r.ofNew == loads{old: 1}:
		return "Version can stay: the running version loads such entries once, and both versions read what it stores.\n"
	case r.ofOld == loads{} && r.ofNew == loads{}:
		return "Version can stay: each version reads the entries of the other.\n"
	}
	return "there is no sentence for this"
}
