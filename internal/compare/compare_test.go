package compare

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
)

type city struct{ Name, Zip string }

type node struct {
	Value int
	Next  *node
}

type named string

type base struct{ ID int }

type all struct {
	base
	named
	Name    string
	Home    city
	Work    *city
	At      time.Time
	Tags    []string
	Counts  map[string]int
	Rank    float64
	Any     any
	private int
	Fn      func()
	Raw     [2]byte
	C       complex128
	U       uint8
	Yes     bool
}

func full() all {
	return all{
		base{1}, "n", "Ann", city{"Bonn", "1"}, &city{"Rome", "2"}, time.Unix(1, 2).UTC(), []string{"a"}, map[string]int{"x": 1},
		math.NaN(), map[string]any{"f": []any{1, "b", nil}}, 7, func() {}, [2]byte{1, 2}, complex(math.NaN(), 1), 3, true,
	}
}

// What differs is found and named, and what only looks different is not.
func TestFields(t *testing.T) {
	for what, test := range map[string]struct {
		change func(*all)
		want   []string
	}{
		"nothing":              {func(*all) {}, nil},
		"another function":     {func(a *all) { a.Fn = nil }, nil},
		"another zone":         {func(a *all) { a.At = a.At.In(time.FixedZone("", 3600)) }, nil},
		"a monotonic clock":    {func(a *all) { now := time.Now(); a.At = a.At.Add(now.Sub(now)) }, nil},
		"a string":             {func(a *all) { a.Name = "Bob" }, []string{"Name"}},
		"fields of a struct":   {func(a *all) { a.Home = city{} }, []string{"Home.Name", "Home.Zip"}},
		"through a pointer":    {func(a *all) { a.Work = &city{"Rome", "3"} }, []string{"Work.Zip"}},
		"a nil pointer":        {func(a *all) { a.Work = nil }, []string{"Work"}},
		"a moment":             {func(a *all) { a.At = a.At.Add(1) }, []string{"At"}},
		"an element":           {func(a *all) { a.Tags = []string{"b"} }, []string{"Tags"}},
		"an entry":             {func(a *all) { a.Counts = map[string]int{"x": 2} }, []string{"Counts"}},
		"a key":                {func(a *all) { a.Counts = map[string]int{"y": 1} }, []string{"Counts"}},
		"a number":             {func(a *all) { a.Rank = 1 }, []string{"Rank"}},
		"an interface":         {func(a *all) { a.Any = map[string]any{"f": []any{1, "b", 0}} }, []string{"Any"}},
		"another type":         {func(a *all) { a.Any = 1 }, []string{"Any"}},
		"a nil interface":      {func(a *all) { a.Any = nil }, []string{"Any"}},
		"an unexported field":  {func(a *all) { a.private = 8 }, []string{"private"}},
		"an embedded struct":   {func(a *all) { a.ID = 2 }, []string{"ID"}},
		"an embedded string":   {func(a *all) { a.named = "m" }, []string{"named"}},
		"the rest":             {func(a *all) { a.Raw[0], a.C, a.U, a.Yes = 0, 1, 4, false }, []string{"Raw", "C", "U", "Yes"}},
		"elements of no slice": {func(a *all) { a.Tags = nil }, []string{"Tags"}},
	} {
		a, b := full(), full()
		test.change(&b)
		got := Fields(reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem())
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
		pa, pb := &a, &b
		if got := Fields(reflect.ValueOf(&pa).Elem(), reflect.ValueOf(&pb).Elem()); !slices.Equal(got, test.want) {
			t.Errorf("%s, of pointers: %q, want %q", what, got, test.want)
		}
	}
}

type embedsTime struct{ time.Time }

type embedsPointer struct{ *city }

func TestSame(t *testing.T) {
	x, y := 1, 1
	zoned := func(offset int) time.Time { return time.Unix(1, 0).In(time.FixedZone("", offset)) }
	circle := func(n int) *node {
		first := &node{Value: 1}
		first.Next = &node{n, first}
		return first
	}
	for what, test := range map[string]struct {
		a, b any
		same bool
	}{
		"nil and an empty slice":   {[]int(nil), []int{}, true},
		"nil and an empty map":     {map[int]int(nil), map[int]int{}, true},
		"nil and an element":       {[]int(nil), []int{0}, false},
		"NaN":                      {math.NaN(), math.NaN(), true},
		"NaN and a number":         {math.NaN(), 0.0, false},
		"zeros":                    {0.0, math.Copysign(0, -1), true},
		"pointers":                 {&x, &y, true},
		"maps by pointers":         {map[*int]string{&x: "a"}, map[*int]string{&y: "a"}, true},
		"other maps by pointers":   {map[*int]string{&x: "a"}, map[*int]string{&y: "b"}, false},
		"maps by moments":          {map[time.Time]int{zoned(0): 1, zoned(7): 2}, map[time.Time]int{zoned(1): 2, zoned(2): 1}, true},
		"maps by NaN":              {map[float64]int{math.NaN(): 1, 2: 2}, map[float64]int{math.NaN(): 1, 2: 2}, true},
		"other maps by NaN":        {map[float64]int{math.NaN(): 1, math.NaN(): 1}, map[float64]int{math.NaN(): 1, math.NaN(): 2}, false},
		"maps by interfaces":       {map[any]int{1: 1, "a": 2}, map[any]int{"a": 2, 1: 1}, true},
		"other maps by interfaces": {map[any]int{1: 1}, map[any]int{int8(1): 1}, false},
		"maps of other sizes":      {map[int]int{1: 1}, map[int]int{1: 1, 2: 2}, false},
		"circles":                  {circle(2), circle(2), true},
		"other circles":            {circle(2), circle(3), false},
		"slices of other lengths":  {[]int{1}, []int{1, 2}, false},
		"embedded moments":         {embedsTime{zoned(1)}, embedsTime{zoned(2)}, true},
	} {
		if got := Same(reflect.ValueOf(test.a), reflect.ValueOf(test.b)); got != test.same {
			t.Errorf("%s: the same: %t", what, got)
		}
		if got := Same(reflect.ValueOf(test.b), reflect.ValueOf(test.a)); got != test.same {
			t.Errorf("%s, the other way round: the same: %t", what, got)
		}
	}
	names := func(a, b any) string { return strings.Join(Fields(reflect.ValueOf(a), reflect.ValueOf(b)), " ") }
	if got := names(embedsTime{zoned(1)}, embedsTime{}); got != "Time" {
		t.Errorf("of an embedded moment: %q", got)
	}
	if got := names(embedsPointer{}, embedsPointer{&city{}}); got != "city" {
		t.Errorf("of an embedded pointer: %q", got)
	}
	if got := names(circle(2), circle(3)); got != "Next.Value" {
		t.Errorf("of circles: %q", got)
	}
	if got := names([]int{1}, []int{2}); got != "" {
		t.Errorf("of no struct: %q", got)
	}
}

// What has no end is compared all the same.
func TestDeepValues(t *testing.T) {
	list := func(last int) *node {
		n := &node{Value: last}
		for range 1_000_000 {
			n = &node{1, n}
		}
		return n
	}
	if !Same(reflect.ValueOf(list(1)), reflect.ValueOf(list(1))) {
		t.Error("long lists are not the same")
	}
	type pointer *pointer
	var a, b pointer
	a, b = &a, &b
	if !Same(reflect.ValueOf(a), reflect.ValueOf(b)) || len(Fields(reflect.ValueOf(a), reflect.ValueOf(b))) > 0 {
		t.Error("pointers to themselves are not the same")
	}
	type keyed map[any]any
	inside := func() keyed { p := new(keyed); *p = keyed{p: 1}; return *p }
	Same(reflect.ValueOf(inside()), reflect.ValueOf(inside())) // and returns
	many := func(from int) map[float64]int {
		m := map[float64]int{}
		for i := range 100_000 {
			m[float64(from+i)] = 1
		}
		return m
	}
	if Same(reflect.ValueOf(many(0)), reflect.ValueOf(many(1_000_000))) {
		t.Error("large maps are the same")
	}
	var wide [100]int
	fields := make([]reflect.StructField, len(wide))
	for i := range fields {
		fields[i] = reflect.StructField{Name: "F" + string(rune('A'+i/26)) + string(rune('a'+i%26)), Type: reflect.TypeFor[int]()}
	}
	s, z := reflect.New(reflect.StructOf(fields)).Elem(), reflect.Zero(reflect.StructOf(fields))
	for i := range fields {
		s.Field(i).SetInt(1)
	}
	if n := len(Fields(s, z)); n != maxFields {
		t.Errorf("%d fields are named", n)
	}
}

func TestSpans(t *testing.T) {
	wire := func(parts ...string) *codec.Wire {
		w := new(codec.Wire)
		for _, p := range parts {
			name, value, named := strings.Cut(p, "=")
			if !named {
				w.Add(nil, []byte(name))
				continue
			}
			w.Add([]byte(name), []byte(value))
		}
		return w
	}
	for _, test := range []struct {
		a, b  *codec.Wire
		same  bool
		spans bool
	}{
		{wire("a", "b"), wire("b", "a"), true, false},
		{wire("a=1", "b=2"), wire("b=2", "a=1"), true, false},
		{wire("a=1", "b=2"), wire("a=1", "b=2"), true, true},
		{wire("a=1", "b=2"), wire("a=2", "b=1"), false, false},
		{wire("a", "a", "b"), wire("a", "b", "b"), false, false},
		{wire("a"), wire("a", "b"), false, false},
		{wire(), wire(), true, true},
	} {
		if Answers(test.a, test.b) != test.same || Spans(test.a, test.b) != test.spans {
			t.Errorf("%v and %v: not %t and %t", test.a, test.b, test.same, test.spans)
		}
	}
}
