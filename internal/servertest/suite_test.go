package servertest

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

// TestBehaviour runs every case of the suite with every kind of codec, on
// miniredis and on every real server, alone and as a cluster.
func TestBehaviour(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		behave(t, env, "text", texts)
		behave(t, env, "msgpack", packed)
		behave(t, env, "json", jsons)
		behave(t, env, "hash", hashes)
		behave(t, env, "sealed", sealed)
		behave(t, env, "list", lists)
		behave(t, env, "set", sets)
		behave(t, env, "sortedset", sortedSets)
	})
}

// A fixture is a codec and values to store with it.
type fixture[V any] struct {
	codec      codec.Codec[V]
	one, two   V
	empty      V
	unreadable []any // arguments of a foreign SET, HSET, ...; nil if the codec reads everything
}

// A bench is what a case works with.
type bench[V any] struct {
	fixture[V]
	env  *redistest.Env
	rdb  redis.UniversalClient // a plain client of another program
	name string                // of the caches of this case
}

func behave[V any](t *testing.T, env *redistest.Env, name string, f fixture[V]) {
	run(t, env, name, f, cases[V]())
}

func run[V any](t *testing.T, env *redistest.Env, name string, f fixture[V], cases []namedCase[V]) {
	t.Run(name, func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				c.run(t, &bench[V]{f, env, env.Client, name + "-" + c.name})
			})
		}
	})
}

// is reports whether the case runs with the fixture of that name.
func (b *bench[V]) is(fixture string) bool { return strings.HasPrefix(b.name, fixture+"-") }

// open returns a cache of the case's codec without jitter.
func (b *bench[V]) open(t testing.TB, change ...func(*cache.Config[string, V])) *cache.Cache[string, V] {
	t.Helper()
	cfg := cache.Config[string, V]{Name: b.name, Codec: b.codec, TTL: time.Hour, Jitter: -1}
	for _, f := range change {
		f(&cfg)
	}
	return testcache.Open(t, b.rdb, cfg)
}

// foreignWrite stores v as another program would: with a plain command.
func (b *bench[V]) foreignWrite(t testing.TB, key string, v V) {
	t.Helper()
	var w codec.Wire
	w.Reset(key)
	if err := b.codec.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	args := []any{key}
	for i := range w.Len() {
		if name := w.Name(i); name != nil {
			args = append(args, name)
		}
		args = append(args, w.Value(i))
	}
	b.store(t, args...)
}

// store is the command that makes a key of the codec's type.
func (b *bench[V]) store(t testing.TB, args ...any) {
	t.Helper()
	command := map[codec.Shape]string{
		codec.ShapeString: "SET", codec.ShapeHash: "HSET", codec.ShapeList: "RPUSH", codec.ShapeSet: "SADD", codec.ShapeSortedSet: "ZADD",
	}[b.codec.Shape()]
	b.do(t, append([]any{command}, args...)...)
}

// content is what a key holds of the codec's type, in the words of Redis.
func (b *bench[V]) content(t testing.TB, key string) (content any) {
	t.Helper()
	var err error
	switch b.codec.Shape() {
	case codec.ShapeString:
		content, err = b.rdb.Get(t.Context(), key).Result()
	case codec.ShapeHash:
		content, err = b.rdb.HGetAll(t.Context(), key).Result()
	case codec.ShapeList:
		content, err = b.rdb.LRange(t.Context(), key, 0, -1).Result()
	case codec.ShapeSet:
		content, err = b.rdb.SMembersMap(t.Context(), key).Result()
	case codec.ShapeSortedSet:
		content, err = b.rdb.ZRangeWithScores(t.Context(), key, 0, -1).Result()
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// otherTypes make a key one of another type than the codec's.
func (b *bench[V]) otherTypes(t testing.TB) (make []func(key string)) {
	for shape, args := range map[codec.Shape][]any{
		codec.ShapeString: {"SET", "", "x"}, codec.ShapeHash: {"HSET", "", "x", "y"}, codec.ShapeList: {"RPUSH", "", "x", "y"},
		codec.ShapeSet: {"SADD", "", "x", "y"}, codec.ShapeSortedSet: {"ZADD", "", "1", "x"},
	} {
		if shape != b.codec.Shape() {
			make = append(make, func(key string) {
				args[1] = key
				b.do(t, "DEL", key)
				b.do(t, args...)
			})
		}
	}
	return make
}

func (b *bench[V]) do(t testing.TB, args ...any) {
	t.Helper()
	if err := b.rdb.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args[0], err)
	}
}

// life returns the TTL of a key of Redis: -1 for no expiry, -2 for no key.
func (b *bench[V]) life(t testing.TB, key string) time.Duration {
	t.Helper()
	d, err := b.rdb.PTTL(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// wantLife checks that a key's TTL is d, less the little that has passed.
func (b *bench[V]) wantLife(t testing.TB, key string, d time.Duration) {
	t.Helper()
	if got := b.life(t, key); got > d || got < d-time.Minute || got == -2 {
		t.Errorf("PTTL %s = %v, want %v", key, got, d)
	}
}

type person = testcache.Person

var ann, bob = testcache.Ann, testcache.Bob

var texts = fixture[string]{
	codec: codec.Text[string](), one: "one", two: "two\r\n\x00$-1\r\n\xff", empty: "",
}

var packed = fixture[person]{
	codec: codec.Msgpack[person](), one: ann, two: bob,
	unreadable: []any{"\xdd\xff\xff\xff\xff"}, // an array of 2^32-1 elements, says its header
}

var jsons = fixture[map[string]int]{
	codec: codec.JSON[map[string]int](), one: map[string]int{"a": 1}, two: map[string]int{"b": 2, "c": 3}, empty: map[string]int{},
	unreadable: []any{`{"a":`},
}

// hashes are a hash of one pointer: every caller must get a struct of its own.
var hashes = fixture[*person]{
	codec: hashmap.MustOf[*person](), one: &ann, two: &bob, empty: new(person),
	unreadable: []any{"id", "no number"},
}

var sealed = fixture[[]string]{
	codec: codec.Encrypt(codec.Compress(codec.Msgpack[[]string](), codec.Zstd, 16), testcache.Keyring(1)),
	one:   []string{"one", "one", "one", "one", "one", "one"}, two: []string{"two"}, empty: []string{},
	unreadable: []any{"\x01 this was not encrypted by anybody who knows the key"},
}

var lists = fixture[[]int]{
	codec: codec.List(codec.Text[int]()), one: []int{2, 1, 2}, two: []int{-3}, empty: []int{},
	unreadable: []any{"1", "no number"},
}

var sets = fixture[map[int]struct{}]{
	codec: codec.Set(codec.Text[int]()), one: map[int]struct{}{1: {}, 2: {}, -70000: {}}, two: map[int]struct{}{3: {}}, empty: map[int]struct{}{},
	unreadable: []any{"1", "no number"},
}

var sortedSets = fixture[[]codec.Scored[person]]{
	codec: codec.SortedSet(codec.Msgpack[person]()),
	one:   []codec.Scored[person]{{Elem: bob, Score: math.Inf(-1)}, {Elem: ann, Score: 0.1}}, two: []codec.Scored[person]{{Elem: ann, Score: 1e300}},
	empty:      []codec.Scored[person]{},
	unreadable: []any{"1", "\xdd\xff\xff\xff\xff"},
}

// A namedCase is one case of the suite.
type namedCase[V any] struct {
	name string
	run  func(t *testing.T, b *bench[V])
}

func cases[V any]() []namedCase[V] {
	return []namedCase[V]{
		{"GetOrSet", caseGetOrSet[V]},
		{"GetOrSetFails", caseGetOrSetFails[V]},
		{"GetOrSetEntry", caseGetOrSetEntry[V]},
		{"Get", caseGet[V]},
		{"Entry", caseEntry[V]},
		{"Set", caseSet[V]},
		{"SetIfAbsent", caseSetIfAbsent[V]},
		{"SetAbsent", caseSetAbsent[V]},
		{"Delete", caseDelete[V]},
		{"Touch", caseTouch[V]},
		{"Refresh", caseRefresh[V]},
		{"Many", caseMany[V]},
		{"ManyBroken", caseManyBroken[V]},
		{"ManyKeys", caseManyKeys[V]},
		{"Absent", caseAbsent[V]},
		{"Empty", caseEmpty[V]},
		{"Unreadable", caseUnreadable[V]},
		{"WrongType", caseWrongType[V]},
		{"WrongTypeOfControl", caseWrongTypeOfControl[V]},
		{"ForeignWrite", caseForeignWrite[V]},
		{"ForeignDelete", caseForeignDelete[V]},
		{"StoredPlain", caseStoredPlain[V]},
		{"Expiry", caseExpiry[V]},
		{"Lifetimes", caseLifetimes[V]},
		{"TTLFor", caseTTLFor[V]},
		{"Forever", caseForever[V]},
		{"AbsentTTL", caseAbsentTTL[V]},
		{"Jitter", caseJitter[V]},
		{"Version", caseVersion[V]},
		{"OddKeys", caseOddKeys[V]},
		{"Events", caseEvents[V]},
		{"Queue", caseQueue[V]},
		{"Own", caseOwn[V]},
		{"Stale", caseStale[V]},
		{"Closed", caseClosed[V]},
	}
}
