package cache_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/testcache"
)

type street struct {
	City  string            `msgpack:"city" json:"city"`
	Notes map[string]string `msgpack:"notes" json:"notes"`
}

// odd is a value of much that is hard to compare.
type odd struct {
	Name    string            `msgpack:"name" json:"name"`
	Home    *street           `msgpack:"home" json:"home"`
	Tags    []string          `msgpack:"tags" json:"tags"`
	Notes   map[string]string `msgpack:"notes" json:"notes"`
	At      time.Time         `msgpack:"at" json:"at"`
	Any     any               `msgpack:"any" json:"any"`
	Addr    netip.Addr        `msgpack:"addr" json:"addr"`
	Ptr     *int              `msgpack:"ptr" json:"ptr"`
	private int
}

// odds makes a value anew, the n-th in another form each time.
func odds(n int) odd {
	one := 1
	notes := map[string]string{}
	for i := range 20 {
		notes[fmt.Sprint(i)] = "x"
	}
	now := time.Now()
	v := odd{
		Name: "Ann", Home: &street{"Bonn", notes}, Notes: notes, Any: map[string]any{"a": "b", "c": []any{"d", nil}, "e": true, "f": 2.5, "g": "h"},
		At:   now.Add(time.Unix(1_700_000_000, 123456000).Sub(now)).In(time.FixedZone("", 3600*(n%5))), // with a monotonic clock
		Addr: netip.MustParseAddr("::1"), Ptr: &one, private: n,
	}
	if n%2 == 0 {
		v.Tags = []string{}
	}
	return v
}

// A hashed is a hash one of whose fields has no order.
type hashed struct {
	Name  string            `redis:"name,omitempty"`
	Notes map[string]string `redis:"notes,json"`
	Packs map[string]string `redis:"packs,msgpack"`
	Rank  float64           `redis:"rank,omitempty"`
}

// An auditedKind is values of a codec: equal ones in different forms, and one that differs.
type auditedKind struct {
	name string
	run  func(t *testing.T, env *redistest.Env)
}

func kindOf[V any](name string, c codec.Codec[V], equal func(n int) V, other V, fields ...string) auditedKind {
	return auditedKind{name, func(t *testing.T, env *redistest.Env) {
		heard := make(chan cache.AuditEvent, 100)
		cfg := cache.Config[string, V]{
			Name: "test", TTL: time.Hour, Codec: c, Audit: cache.AuditConfig{Rate: 1, MaxPerSecond: math.MaxInt, Grace: time.Millisecond, Repair: true},
			Observer: cache.Observer{
				Audit: func(_ context.Context, e cache.AuditEvent) { heard <- e },
				Error: func(_ context.Context, err *cache.Error) { t.Error(err) },
			},
		}
		users := open(t, env.Client, cfg)
		n := 0
		source := equal
		load := func(context.Context, string) (V, error) { n++; return source(n), nil }
		audit := func(wanted cache.AuditResult, fields ...string) {
			t.Helper()
			for began := time.Now(); time.Since(began) < testcache.Timeout; {
				if _, err := users.GetOrSet(t.Context(), "k", load); err != nil {
					t.Fatal(err)
				}
				select {
				case e := <-heard:
					slices.Sort(e.Fields)
					if e.Result != wanted || !slices.Equal(e.Fields, fields) {
						t.Errorf("%v in %q, want %v in %q", e.Result, e.Fields, wanted, fields)
					}
					return
				case <-time.After(time.Second): // the audit before had told, and not ended
				}
			}
			t.Fatal("there was no audit")
		}
		if _, err := users.GetOrSet(t.Context(), "k", load); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard: // an empty value, which a first call finds by another look
		default:
		}
		for range 10 {
			audit(cache.AuditEqual)
		}
		source = func(int) V { return other }
		audit(cache.AuditMissed, fields...)
		audit(cache.AuditEqual) // repaired
		source = equal
		audit(cache.AuditMissed, fields...)
	}}
}

// Values are compared by what they mean, whatever the codec makes of them, on all servers.
func TestAuditedValues(t *testing.T) {
	same := func(v string) func(int) string { return func(int) string { return v } }
	other := odds(0)
	other.Home, other.Tags, other.At = &street{City: "Rome"}, []string{"a"}, other.At.Add(time.Second)
	differ := []string{"At", "Home.City", "Home.Notes", "Tags"}
	notes := func(int) map[string]string { return odds(0).Notes }
	members := func(n int) map[int]struct{} {
		m := map[int]struct{}{}
		for i := range 50 {
			m[(i+n)%50] = struct{}{}
		}
		return m
	}
	scored := func(n int) []codec.Scored[string] {
		s := []codec.Scored[string]{{Elem: "a", Score: 1}, {Elem: "c", Score: 1}, {Elem: "b", Score: 1}, {Elem: "d", Score: math.Inf(1)}, {Elem: "e", Score: 1e100}}
		return append(s[n%5:], s[:n%5]...)
	}
	packed := func(n int) hashed {
		v := odds(n)
		return hashed{Name: "Ann", Notes: v.Notes, Packs: v.Notes}
	}
	kinds := []auditedKind{
		kindOf("text", codec.Text[string](), same("a"), "b"),
		kindOf("large", codec.Text[string](), same(string(make([]byte, 100_000))), "b"),
		kindOf("msgpack", codec.Msgpack[odd](), odds, other, differ...),
		kindOf("json", codec.JSON[odd](), odds, other, differ...),
		kindOf("pointers", codec.Msgpack[*odd](), func(n int) *odd { v := odds(n); return &v }, &other, differ...),
		kindOf("interfaces", codec.Msgpack[any](), func(n int) any { return odds(n).Any }, any("b")),
		kindOf("maps", codec.Msgpack[map[string]string](), notes, map[string]string{"a": "b"}),
		kindOf("NaN", codec.Msgpack[map[string]float64](), func(int) map[string]float64 {
			return map[string]float64{"a": math.NaN(), "b": 1, "c": math.Inf(1), "d": 4, "e": 5}
		}, map[string]float64{"a": 1}),
		kindOf("bytes", codec.Bytes[[]byte](), func(n int) []byte { return []byte("a") }, []byte("b")),
		kindOf("encrypted", codec.Encrypt(codec.Msgpack[odd](), testcache.Keyring(1)), odds, other, differ...),
		kindOf("compressed", codec.Codec[odd](codec.Compress(codec.Msgpack[odd](), codec.Zstd, 1)), odds, other, differ...),
		kindOf("list", codec.List(codec.Text[string]()), func(int) []string { return []string{"b", "a", "a"} }, []string{"a", "b", "a"}),
		kindOf("empty list", codec.List(codec.Text[string]()), func(n int) []string { return [][]string{nil, {}}[n%2] }, []string{"a"}),
		kindOf("set", codec.Set(codec.Text[int]()), members, map[int]struct{}{1: {}}),
		kindOf("sorted set", codec.SortedSet(codec.Text[string]()), scored, scored(0)[:4]),
		kindOf("hash", codec.Codec[hashed](hashmap.MustOf[hashed]()), packed, hashed{Name: "Bob", Notes: map[string]string{"a": "b"}, Packs: odds(0).Notes, Rank: 1}, "name", "notes", "rank"),
		kindOf("hash of pointers", codec.Codec[*hashed](hashmap.MustOf[*hashed]()), func(n int) *hashed { v := packed(n); return &v }, &hashed{Name: "Bob", Notes: odds(0).Notes, Packs: odds(0).Notes}, "name"),
		kindOf("map as a hash", codec.Codec[map[string]string](testcache.BigHash{}), notes, map[string]string{"1": "y"}, hashNames()...),
		kindOf("struct of no fields", codec.Msgpack[struct{ A []struct{} }](), func(n int) struct{ A []struct{} } { return struct{ A []struct{} }{} }, struct{ A []struct{} }{make([]struct{}, 2)}, "A"),
	}
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		for _, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				env.FlushAll(t)
				k.run(t, env)
			})
		}
	})
}

// hashNames are the fields in which odds(0).Notes differs from another map.
func hashNames() (names []string) {
	for i := range 20 {
		names = append(names, fmt.Sprint(i))
	}
	slices.Sort(names)
	return names
}

// Equal has the last word on values whose bytes differ, and its panic is contained.
func TestAuditWithEqual(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		asked := 0
		c, source, heard := auditing(t, env, func(cfg *cache.Config[string, person]) {
			cfg.Equal = func(a, b person) bool {
				asked++
				if b.Name == "panic" {
					panic("secret")
				}
				return a.Name == b.Name
			}
		})
		hit(t, c, source, "Ann")
		settle()
		if asked != 0 {
			t.Error("Equal is asked about equal bytes")
		}
		source.put("k", person{Name: "Ann", Rank: 31})
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "what Equal finds equal", "p GetOrSet p:k AuditEqual Present/Present []", "p GetOrSet p:k AuditEqual Present/Present []")
		source.put("k", person{Name: "Bob", Rank: 31})
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "what it does not", "p GetOrSet p:k AuditMissed Present/Present [Name Rank]")
		source.put("k", person{Name: "panic"})
		hit(t, c, source, "Ann")
		settle()
		heard.wants(t, "its panic")
		if all := heard.recorder.take(); len(all.errors) != 1 || c.Stats().AuditsFailed != 1 {
			t.Errorf("errors: %v", all.errors)
		}
	})
}

// Of a large hash some fields are named, in bounded time, and names are cut.
func TestAuditOfALargeHash(t *testing.T) {
	bubble(t, func(t *testing.T, env *redistest.Env) {
		source, heard := new(table[map[string]string]), new(audits)
		filled := func(value string) map[string]string {
			m := make(map[string]string)
			for i := range 4_000 {
				m[fmt.Sprintf("%01000d", i)] = value
			}
			return m
		}
		source.put("k", filled("a"))
		c := open(t, env.Client, cache.Config[string, map[string]string]{
			Name: "p", TTL: time.Hour, Codec: testcache.BigHash{}, Audit: every, Observer: heard.observer(),
		})
		for range 2 {
			if _, err := c.GetOrSet(t.Context(), "k", source.load); err != nil {
				t.Fatal(err)
			}
			source.put("k", filled("b"))
		}
		settle()
		e := heard.take()
		if len(e) != 1 || e[0].Result != cache.AuditMissed || len(e[0].Fields) != 32 || len(e[0].Fields[31]) != 256 {
			t.Errorf("%d audits, of the first %v and %d fields", len(e), e[0].Result, len(e[0].Fields))
		}
	})
}
