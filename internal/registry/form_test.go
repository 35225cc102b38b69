package registry

import (
	"reflect"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

type user struct{ ID int }

// own is a user's codec: of one value, and of a list of them.
type own[V any] struct{ codec.Codec[V] }

// ownValue is a user's codec of one value.
type ownValue struct{ codec.Value[string] }

func values[V any](c codec.Codec[V]) form {
	return formOf(Values{Cache, reflect.TypeFor[V](), c.Shape(), c, "aside:"})
}

func elements[E any](kind string, shape codec.Shape, v codec.Value[E]) form {
	return formOf(Values{kind, reflect.TypeFor[E](), shape, v, "aside:"})
}

func mustKeyring(t *testing.T, current uint32) *codec.Keyring {
	ring, err := codec.NewKeyring(current, map[uint32][]byte{current: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// Each codec agrees with another one like it, and with no other codec.
func TestFormsOfCodecs(t *testing.T) {
	text, json := codec.Text[string](), codec.JSON[string]()
	forms := []struct {
		make func() form
		want string
	}{
		{func() form { return values(codec.Text[string]()) }, "string, string by codec.Text"},
		{func() form { return values(codec.JSON[string]()) }, "string, string by codec.JSON"},
		{func() form { return values(codec.JSON[int]()) }, "int, string by codec.JSON"},
		{func() form { return values(codec.Msgpack[string]()) }, "string, string by codec.Msgpack"},
		{func() form { return values(codec.Msgpack[user]()) }, "registry.user, string by codec.Msgpack"},
		{func() form { return values(codec.Bytes[[]byte]()) }, "[]uint8, string by codec.Bytes"},
		{func() form { return values(codec.Binary[user]()) }, "registry.user, string by codec.Binary"},
		{func() form { return values(codec.Compress(text, codec.S2, 1)) }, "string, string by codec.Compress of codec.Text"},
		{func() form { return values(codec.Compress(json, codec.S2, 1)) }, "string, string by codec.Compress of codec.JSON"},
		{func() form { return values(codec.Encrypt(text, mustKeyring(t, 1))) }, "string, string by codec.Encrypt of codec.Text"},
		{func() form { return values(codec.Encrypt(codec.Compress(text, codec.S2, 1), mustKeyring(t, 1))) },
			"string, string by codec.Encrypt of codec.Compress of codec.Text"},
		{func() form { return values(codec.String(ownValue{text})) }, "string, string by registry.ownValue"},
		{func() form { return values(own[string]{text}) }, "string, string by registry.own"},
		{func() form { return values(codec.List(text)) }, "[]string, list by codec.Text"},
		{func() form { return values(codec.List(json)) }, "[]string, list by codec.JSON"},
		{func() form { return values(own[[]string]{codec.List(text)}) }, "[]string, list by registry.own"},
		{func() form { return values(codec.Set(text)) }, "map[string]struct {}, set by codec.Text"},
		{func() form { return values(codec.SortedSet(text)) }, "[]codec.Scored[string], zset by codec.Text"},
		{func() form { return values(hashmap.MustOf[user]()) }, "registry.user, hash by hashmap.Of[registry.user]()"},
		{func() form { return values(hashmap.MustOf[user](hashmap.UseTag("json"))) }, `registry.user, hash by hashmap.Of[registry.user](hashmap.UseTag("json"))`},
		{func() form { return values(hashmap.MustOf[*user]()) }, "*registry.user, hash by hashmap.Of[*registry.user]()"},
	}
	for i, a := range forms {
		want := "a cache of " + strings.Replace(a.want, ", ", ", stored as a Redis ", 1)
		if got := a.make().String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		for j, b := range forms {
			if got := a.make().agrees(b.make()); got != (i == j) {
				t.Errorf("%s agrees with %s: %v", a.want, b.want, got)
			}
		}
	}
}

// What the types do not tell is not compared.
func TestFormsThatAgree(t *testing.T) {
	text, json := codec.Text[string](), codec.JSON[string]()
	list := func(v codec.Value[string]) form { return elements("list", codec.ShapeList, v) }
	hash := formOf(Values{"hash", reflect.TypeFor[user](), codec.ShapeHash, hashmap.MustOf[user](), "aside:"})
	for _, tt := range []struct {
		name string
		a, b form
		want bool
	}{
		{"another algorithm", values(codec.Compress(text, codec.S2, 1)), values(codec.Compress(text, codec.Zstd, 9)), true},
		{"another keyring", values(codec.Encrypt(text, mustKeyring(t, 1))), values(codec.Encrypt(text, mustKeyring(t, 2))), true},
		{"a pointer to a codec", values(own[string]{text}), values(&own[string]{text}), true},
		{"a codec within a user's", values(own[string]{text}), values(own[string]{json}), true},
		{"a value twice wrapped", values(text), values(codec.String[string](text)), true},
		{"a value behind a pointer", values(text), values(codec.String[string](&text)), true},
		{"a value of its own", values(text), values(codec.String(text.Value)), true},
		{"a list and its cache", list(text), values(codec.List(text)), true},
		{"a list and a cache of other elements", list(text), values(codec.List(json)), false},
		{"a list and a cache with a user's elements", list(text), values(codec.List(ownValue{text})), false},
		{"a list and a cache with a user's codec", list(text), values(own[[]string]{codec.List(json)}), true},
		{"lists of different elements", list(text), list(json), false},
		{"lists of a user's elements", list(ownValue{text}), list(ownValue{json}), true},
		{"a list and a cache of a string", list(text), values(text), false},
		{"a list and a set", list(text), elements("set", codec.ShapeSet, text), false},
		{"a list and a cache of a set with a user's codec", list(text), values(own[map[string]struct{}]{codec.Set(text)}), false},
		{"a set and its cache", elements("set", codec.ShapeSet, text), values(codec.Set(text)), true},
		{"a sorted set and its cache", elements("sorted set", codec.ShapeSortedSet, text), values(codec.SortedSet(text)), true},
		{"a hash and its cache", hash, values(hashmap.MustOf[user]()), true},
		{"a hash and its cache by other tags", hash, values(hashmap.MustOf[user](hashmap.UseTag("json"))), false},
		{"a hash and a cache of a pointer", hash, values(hashmap.MustOf[*user]()), false},
	} {
		if got := tt.a.agrees(tt.b); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if got := tt.b.agrees(tt.a); got != tt.want {
			t.Errorf("%s, the other way round: %v", tt.name, got)
		}
	}
}
