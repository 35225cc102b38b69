package codec_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/codec/codectest"
)

func membersOf[E comparable](elems ...E) map[E]struct{} {
	m := make(map[E]struct{}, len(elems))
	for _, e := range elems {
		m[e] = struct{}{}
	}
	return m
}

func TestListContract(t *testing.T) {
	codectest.Suite[[]string]{
		Codec: codec.List(codec.Text[string]()), Deterministic: true,
		Values: [][]string{{}, {""}, {"b", "a", "b", ""}, slices.Repeat([]string{"some element"}, 200)},
	}.Run(t)
	codectest.Suite[[]float64]{Codec: codec.List(codec.JSON[float64]()), Values: [][]float64{{1}}, Refused: [][]float64{{1, math.NaN()}}}.Run(t)
	codectest.Run(t, codec.List(codec.Msgpack[user]()), users, []user{})
	codectest.Run(t, codec.List(codec.Compress(codec.Bytes[[]byte](), codec.Zstd, 10)), [][]byte{[]byte(text), {}})
}

func TestSetContract(t *testing.T) {
	codectest.Suite[map[string]struct{}]{
		Codec: codec.Set(codec.Text[string]()), Deterministic: true,
		Values: []map[string]struct{}{{}, membersOf(""), membersOf("b", "a", "", "a\x00")},
	}.Run(t)
	codectest.Suite[map[any]struct{}]{
		Codec: codec.Set(codec.JSON[any]()), Deterministic: true,
		Values:  []map[any]struct{}{membersOf[any](nil, true, 1.5, "a")},
		Refused: []map[any]struct{}{membersOf[any](1, 1.0), membersOf[any](math.Inf(1))},
	}.Run(t)
}

func TestSortedSetContract(t *testing.T) {
	codectest.Suite[[]codec.Scored[string]]{
		Codec: codec.SortedSet(codec.Text[string]()), Deterministic: true,
		Values: [][]codec.Scored[string]{
			{}, {{"", 0}},
			{{"z", math.Inf(-1)}, {"c", -math.MaxFloat64}, {"b", math.SmallestNonzeroFloat64}, {"d", 0.1}, {"a", 1}, {"b2", 1}, {"i", math.Inf(1)}},
		},
		Refused: [][]codec.Scored[string]{{{"a", math.NaN()}}, {{"a", 1}, {"b", 2}, {"a", 3}}},
	}.Run(t)
	codectest.Run(t, codec.SortedSet(codec.Msgpack[user]()), []codec.Scored[user]{{users[0], -1}, {users[1], 1}})
}

func FuzzList(f *testing.F) {
	codectest.Fuzz(f, codec.List(codec.Text[int]()), []int{}, []int{1, -2, 1})
}

func FuzzSet(f *testing.F) {
	codectest.Fuzz(f, codec.Set(codec.JSON[any]()), membersOf[any](), membersOf[any](nil, "a", 1.5))
}

func FuzzSortedSet(f *testing.F) {
	codectest.Fuzz(f, codec.SortedSet(codec.Text[string]()), []codec.Scored[string]{}, []codec.Scored[string]{{"a", -1.5}, {"b", math.Inf(1)}})
}

// FuzzScores starts from scores, of all bits there are.
func FuzzScores(f *testing.F) {
	f.Add(uint64(0), uint64(1)<<63)
	f.Add(math.Float64bits(0.1), math.Float64bits(math.Inf(-1)))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		in := []codec.Scored[string]{{"a", math.Float64frombits(a)}, {"b", math.Float64frombits(b)}}
		var w codec.Wire
		err := codec.SortedSet(codec.Text[string]()).Encode(&w, &in)
		if nan := math.IsNaN(in[0].Score) || math.IsNaN(in[1].Score); nan != (err != nil) {
			t.Fatalf("Encode of %v: %v", in, err)
		} else if nan {
			return
		}
		var out []codec.Scored[string]
		if err := codec.SortedSet(codec.Text[string]()).Decode(&w, &out); err != nil || len(out) != 2 {
			t.Fatalf("%v, %v", out, err)
		}
		if out[0].Elem == "b" {
			slices.Reverse(out)
		}
		for i := range in {
			if math.Float64bits(in[i].Score) != math.Float64bits(out[i].Score) {
				t.Errorf("%v comes back as %v", in, out)
			}
		}
	})
}

// Nil and empty are one to Redis, and nothing that is read is nil: it can be
// written to, and is an empty array in JSON.
func TestEmptyCollections(t *testing.T) {
	empty(t, codec.List(codec.Text[int]()), nil, []int{})
	empty(t, codec.Set(codec.Text[int]()), nil, map[int]struct{}{})
	empty(t, codec.SortedSet(codec.Text[int]()), nil, []codec.Scored[int]{})
}

func empty[V any](t *testing.T, c codec.Codec[V], values ...V) {
	t.Helper()
	for _, v := range values {
		var w codec.Wire
		var back V
		if err := errors.Join(c.Encode(&w, &v), c.Decode(&w, &back)); err != nil || w.Len() != 0 {
			t.Errorf("%#v: %d spans, %v", v, w.Len(), err)
		}
		if b := reflect.ValueOf(back); b.IsNil() || b.Len() != 0 {
			t.Errorf("%#v comes back as %#v", v, back)
		}
	}
}

// spans are the names and values of a wire.
func spansOf[V any](t *testing.T, c codec.Codec[V], v V) (all []string) {
	t.Helper()
	var w codec.Wire
	if err := c.Encode(&w, &v); err != nil {
		t.Fatal(err)
	}
	for i := range w.Len() {
		part := fmt.Sprintf("%q", w.Value(i))
		if w.Name(i) != nil {
			part = fmt.Sprintf("%s %s", w.Name(i), part)
		}
		all = append(all, part)
	}
	return all
}

// A sorted set is in Redis's order as soon as it is encoded, so that a caller that shares a
// load and one that reads it later see the same.
func TestSortedSetOrder(t *testing.T) {
	got := spansOf(t, codec.SortedSet(codec.Text[string]()), []codec.Scored[string]{
		{"b", 1}, {"a", 10}, {"B", 1}, {"c", math.Inf(-1)}, {"", 1}, {"d", math.Inf(1)}, {"e", 1e300}, {"f", -0.5}, {"g", 1e20},
	})
	want := `-inf "c" -0.5 "f" 1 "" 1 "B" 1 "b" 10 "a" 1e+20 "g" 1e+300 "e" inf "d"`
	if got := strings.Join(got, " "); got != want {
		t.Errorf("in the order %s, want %s", got, want)
	}
}

// Scores are read in all the ways in which Redis, in its versions and protocols,
// and simulations of it write them.
func TestScoresAreRead(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-0": math.Copysign(0, -1), "1": 1, "10000000000000000": 1e16, "123456789012345678": 123456789012345678,
		"0.10000000000000001": 0.1, "0.1": 0.1, "4.9406564584124654e-324": 5e-324, "1e+20": 1e20, "100000000000000000000": 1e20,
		"1.7976931348623157e+308": math.MaxFloat64, "inf": math.Inf(1), "-inf": math.Inf(-1), "+Inf": math.Inf(1), "-Inf": math.Inf(-1),
	} {
		var w codec.Wire
		w.Add([]byte(text), []byte("x"))
		var v []codec.Scored[string]
		if err := codec.SortedSet(codec.Text[string]()).Decode(&w, &v); err != nil || math.Float64bits(v[0].Score) != math.Float64bits(want) {
			t.Errorf("%s is read as %v, %v", text, v, err)
		}
	}
}

func TestCollectionsRefuse(t *testing.T) {
	refuse := func(what string, err error, want string) {
		t.Helper()
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	var w codec.Wire
	w.Add(nil, []byte("1"))
	w.Add(nil, []byte("kiwi"))
	refuse("element of a list", codec.List(codec.Text[int]()).Decode(&w, new([]int)),
		"codec: element 1: codec: the stored text cannot be read as int: it is no decimal number")
	refuse("element of a set", codec.Set(codec.Text[int]()).Decode(&w, new(map[int]struct{})),
		"codec: element 1: codec: the stored text cannot be read as int: it is no decimal number")
	refuse("element without a score", codec.SortedSet(codec.Text[int]()).Decode(&w, new([]codec.Scored[int])),
		"codec: element 0: codec: its score is no number")

	w.Reset("k")
	w.Add([]byte("1"), []byte("1"))
	w.Add([]byte("nan"), []byte("1"))
	refuse("score that is none", codec.SortedSet(codec.Text[int]()).Decode(&w, new([]codec.Scored[int])),
		"codec: element 1: codec: its score is no number")
	refuse("named element of a list", codec.List(codec.Text[int]()).Decode(&w, new([]int)),
		"codec: element 0: codec: it has a name, as only the parts of hashes and sorted sets have")

	w.Reset("k")
	w.Add(nil, []byte("[]"))
	refuse("slice in a set", codec.Set(codec.JSON[[1]any]()).Decode(wireOf(`[[1]]`), new(map[[1]any]struct{})),
		"codec: element 0: codec: it cannot be an element of a set, as it holds a slice, a map or a function")

	w.Reset("k")
	refuse("NaN", codec.SortedSet(codec.Text[string]()).Encode(&w, &[]codec.Scored[string]{{"a", 1}, {"b", math.NaN()}}),
		"codec: element 1: codec: its score is NaN, which Redis cannot sort by")
	w.Reset("k")
	refuse("an element twice", codec.SortedSet(codec.Text[string]()).Encode(&w, &[]codec.Scored[string]{{"a", 1}, {"b", 2}, {"a", 1}}),
		"codec: two elements of the sorted set have the same bytes, of which Redis would keep one")
	w.Reset("k")
	refuse("two elements with the same bytes", codec.Set(codec.JSON[any]()).Encode(&w, &map[any]struct{}{1: {}, 1.0: {}}),
		"codec: two elements of the set have the same bytes, which Redis would take for one")

	for of, c := range map[string]codec.Checker{
		"List":      codec.List[int](nil).(codec.Checker),
		"Set":       codec.Set[int](nil).(codec.Checker),
		"SortedSet": codec.SortedSet[int](nil).(codec.Checker),
	} {
		refuse(of, c.Check(), "codec: "+of+" without a Value for its elements; use one such as Text or Msgpack")
	}
	w.Reset("k")
	if codec.List[int](nil).Encode(&w, new([]int)) == nil || codec.Set[int](nil).Decode(&w, new(map[int]struct{})) == nil ||
		codec.SortedSet[int](nil).Decode(&w, new([]codec.Scored[int])) == nil {
		t.Error("a collection without a codec of its elements was used")
	}
	refuse("elements without a text form", codec.List(codec.Text[chan int]()).(codec.Checker).Check(),
		"codec: chan int has no text form; give it MarshalText and UnmarshalText, or use Msgpack or JSON")
}

func wireOf(values ...string) *codec.Wire {
	w := new(codec.Wire)
	for _, v := range values {
		w.Add(nil, []byte(v))
	}
	return w
}

// The texts of other programs differ where the elements do not.
func TestSetReadsTheTextsOfOthers(t *testing.T) {
	var v map[int]struct{}
	if err := codec.Set(codec.Text[int]()).Decode(wireOf("1", "01", "2"), &v); err != nil || !maps.Equal(v, membersOf(1, 2)) {
		t.Errorf("%v, %v", v, err)
	}
}
