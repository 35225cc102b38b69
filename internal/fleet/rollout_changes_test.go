package fleet

import (
	"fmt"
	"strings"
	"testing"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// The rows of releases.
type (
	oldRow     struct{ Name, Version string }
	addedRow   struct{ Name, Version, Colour string }
	omittedRow struct {
		Name, Version string
		Colour        string `msgpack:",omitempty"`
	}
	renamedRow struct{ Title, Version string }
	retypedRow struct {
		Name    string
		Version int
	}
	wideRow   struct{ Name, Version int64 }
	narrowRow struct{ Name, Version int8 }
	movedRow  struct{ Version, Name string }
)

func asText(_, version int) string { return fmt.Sprint("version ", version) }

func asOld(row, version int) oldRow { return oldRow{fmt.Sprint(row), asText(row, version)} }

func asAdded(row, version int) addedRow {
	return addedRow{fmt.Sprint(row), asText(row, version), fmt.Sprint("colour ", row)}
}

func asOmitted(row, version int) omittedRow {
	return omittedRow{fmt.Sprint(row), asText(row, version), fmt.Sprint("colour ", row)}
}

func asRenamed(row, version int) renamedRow { return renamedRow{fmt.Sprint(row), asText(row, version)} }
func asRetyped(row, version int) retypedRow { return retypedRow{fmt.Sprint(row), version} }
func asWide(row, version int) wideRow       { return wideRow{int64(row), int64(version)} }
func asNarrow(row, version int) narrowRow   { return narrowRow{int8(row), int8(version)} }
func asMoved(row, version int) movedRow     { return movedRow{asText(row, version), fmt.Sprint(row)} }

// A change is what differs between two releases.
type change struct {
	name     string
	releases func(t *testing.T, r *rollout) [2]start
	loads    float64 // of a row, at most, while it is rolled out and back and nothing is written
	lies     bool    // readers see what is wrong
}

// cold is for releases that replace each other's entries: a row is loaded again and again.
const cold = 1e6

// between is a change from rows of Old to rows of New.
func between[Old, New any](
	was func(row, version int) Old, old cache.Config[string, Old],
	is func(row, version int) New, new cache.Config[string, New],
) func(*testing.T, *rollout) [2]start {
	return func(t *testing.T, r *rollout) [2]start {
		return [2]start{released(t, r, was, old), released(t, r, is, new)}
	}
}

func packed[V any](change ...func(*cache.Config[string, V])) cache.Config[string, V] {
	return coded[V](codec.Msgpack[V](), change...)
}

func coded[V any](c codec.Codec[V], change ...func(*cache.Config[string, V])) cache.Config[string, V] {
	cfg := cache.Config[string, V]{Codec: c}
	for _, f := range change {
		f(&cfg)
	}
	return cfg
}

func version[V any](n int) func(*cache.Config[string, V]) {
	return func(cfg *cache.Config[string, V]) { cfg.Version = n }
}

func name[V any](name string) func(*cache.Config[string, V]) {
	return func(cfg *cache.Config[string, V]) { cfg.Name = name }
}

// otherKeys is another text of each key.
func otherKeys(cfg *cache.Config[string, oldRow]) {
	cfg.Key = func(dst []byte, key string) []byte { return append(append(dst, "other-"...), key...) }
}

// renames has a renamedRow made of the row that the version before has stored.
func renames(cfg *cache.Config[string, renamedRow]) {
	cfg.Upgrade = cache.UpgradeFrom(codec.Msgpack[oldRow](), func(r oldRow) (renamedRow, error) {
		return renamedRow{Title: r.Name, Version: r.Version}, nil
	})
}

func zipped[V any](c codec.Value[V]) codec.Codec[V] { return codec.Compress(c, codec.Zstd, 1) }

// encrypted encrypts by the first key, and knows the others.
func encrypted(ids ...uint32) codec.Codec[oldRow] {
	keys := map[uint32][]byte{}
	for _, id := range ids {
		keys[id] = []byte(strings.Repeat(fmt.Sprint(id), 32))
	}
	ring, err := codec.NewKeyring(ids[0], keys)
	if err != nil {
		panic(err)
	}
	return codec.Encrypt(codec.Msgpack[oldRow](), ring)
}

// bothNames is the move to another Name by releases that tell the caches of both of their writes.
func bothNames(t *testing.T, r *rollout) [2]start {
	row, line := packed[oldRow](), packed(name[oldRow]("line"))
	return [2]start{released(t, r, asOld, row, line), released(t, r, asOld, line, row)}
}

var changes = []change{
	{"none", between(asOld, packed[oldRow](), asOld, packed[oldRow]()), 0, false},
	{"a field is added", between(asOld, packed[oldRow](), asAdded, packed[addedRow]()), 1, false},
	{"the same, JSON", between(asOld, coded[oldRow](codec.JSON[oldRow]()), asAdded, coded[addedRow](codec.JSON[addedRow]())), 1, false},
	{"the same, a hash", between(asOld, coded[oldRow](hashmap.MustOf[oldRow]()), asAdded, coded[addedRow](hashmap.MustOf[addedRow]())), 1, false},
	{"a field is added with omitempty", between(asOld, packed[oldRow](), asOmitted, packed[omittedRow]()), 0, true},
	{"the same, Version", between(asOld, packed[oldRow](), asOmitted, packed(version[omittedRow](1))), 1, false},
	{"a field is removed", between(asAdded, packed[addedRow](), asOld, packed[oldRow]()), 0, false},
	{"a field is renamed", between(asOld, packed[oldRow](), asRenamed, packed[renamedRow]()), cold, false},
	{"the same, Version", between(asOld, packed(version[oldRow](1)), asRenamed, packed(version[renamedRow](2))), 1, false},
	{"the same, Version and Upgrade", between(asOld, packed(version[oldRow](1)), asRenamed, packed(version[renamedRow](2), renames)), 0, false},
	{"a field is retyped", between(asOld, packed[oldRow](), asRetyped, packed[retypedRow]()), cold, false},
	{"the same, Version", between(asOld, packed[oldRow](), asRetyped, packed(version[retypedRow](1))), 1, false},
	{"a field is narrowed", between(asWide, packed[wideRow](), asNarrow, packed[narrowRow]()), 0, false},
	{"fields are reordered", between(asOld, packed[oldRow](), asMoved, packed[movedRow]()), 0, false},
	{"another codec", between(asOld, packed[oldRow](), asOld, coded[oldRow](codec.JSON[oldRow]())), cold, false},
	{"the same, Version", between(asOld, packed[oldRow](), asOld, coded[oldRow](codec.JSON[oldRow](), version[oldRow](1))), 1, false},
	{"another Redis type", between(asOld, packed[oldRow](), asOld, coded[oldRow](hashmap.MustOf[oldRow]())), cold, false},
	{"the same, Version", between(asOld, packed[oldRow](), asOld, coded[oldRow](hashmap.MustOf[oldRow](), version[oldRow](1))), 1, false},
	{"compression", between(asOld, packed[oldRow](), asOld, coded(zipped(codec.Msgpack[oldRow]()))), cold, false},
	{"compression of text", between(asText, coded[string](codec.Text[string]()), asText, coded(zipped(codec.Text[string]()))), cold, true},
	{"the same, Version", between(asText, coded[string](codec.Text[string]()), asText, coded(zipped(codec.Text[string]()), version[string](1))), 1, false},
	{"another compression", between(asOld, coded(zipped(codec.Msgpack[oldRow]())), asOld, coded[oldRow](codec.Compress(codec.Msgpack[oldRow](), codec.S2, 1))), 0, false},
	{"encryption", between(asOld, packed[oldRow](), asOld, coded(encrypted(1))), cold, false},
	{"the same, Version", between(asOld, packed[oldRow](), asOld, coded(encrypted(1), version[oldRow](1))), 1, false},
	{"an encryption key", between(asOld, coded(encrypted(1)), asOld, coded(encrypted(2, 1))), cold, false},
	{"the same, known before", between(asOld, coded(encrypted(1, 2)), asOld, coded(encrypted(2, 1))), 0, false},
	{"another Name", between(asOld, packed[oldRow](), asOld, packed(name[oldRow]("line"))), 1, true},
	{"the same, both deleted", bothNames, 1, false},
	{"Jitter and AbsentTTL", between(asOld, packed[oldRow](), asOld, packed(func(cfg *cache.Config[string, oldRow]) {
		cfg.Jitter, cfg.AbsentTTL = 1, cache.Off
	})), 0, false},
	{"another text of keys", between(asOld, packed[oldRow](), asOld, packed(otherKeys)), 1, true},
}
