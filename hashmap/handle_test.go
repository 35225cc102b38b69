package hashmap_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// through sends v through a handle, as a write and a read of one field do, and
// returns what was stored and what was read. The variable is dirty before.
func through[F any](t *testing.T, name string, v, dirty F) (stored string, ok bool, back F) {
	t.Helper()
	m := hashmap.MustOf[rich]()
	f, err := hashmap.FieldOf[F](m, name)
	if err != nil {
		t.Fatal(err)
	}
	var to codec.FieldAppender[rich] = f.To(v)
	back = dirty
	var from codec.FieldReader[rich] = f.Into(&back)
	for _, end := range []interface {
		codec.Checker
		FieldName() string
		Codec() codec.Codec[rich]
	}{to, from} {
		if end.FieldName() != name || end.Codec() != codec.Codec[rich](m) || end.Check() != nil {
			t.Errorf("%T: FieldName %q, Codec %v, Check %v", end, end.FieldName(), end.Codec(), end.Check())
		}
	}
	b, ok, err := to.AppendField([]byte("prefix "))
	if err != nil {
		t.Fatal(err)
	}
	stored, found := strings.CutPrefix(string(b), "prefix ")
	if !found {
		t.Errorf("AppendField lost the prefix: %q", b)
	}
	if !ok {
		from.ClearField()
	} else if err := from.ParseField([]byte(stored)); err != nil {
		t.Error(err)
	}
	return stored, ok, back
}

func handle[F any](t *testing.T, name string, v, dirty F, want string) {
	t.Helper()
	if stored, ok, back := through(t, name, v, dirty); !ok || stored != want || !reflect.DeepEqual(back, v) {
		t.Errorf("%s: %v is stored as %q (%v) and read as %v; want %q", name, v, stored, ok, back, want)
	}
}

func noField[F any](t *testing.T, name string, v, dirty F) {
	t.Helper()
	var zero F
	if stored, ok, back := through(t, name, v, dirty); ok || stored != "" || !reflect.DeepEqual(back, zero) {
		t.Errorf("%s: %v is stored as %q (%v) and read as %v; want no field", name, v, stored, ok, back)
	}
}

func TestHandles(t *testing.T) {
	one, two := 1, 2
	handle(t, "id", int64(42), 1, "42")
	handle(t, "text", "a", "b", "a")
	handle(t, "Wait", time.Second, 1, "1000000000")
	handle(t, "Maybe", &one, &two, "1")
	handle(t, "Color", color(1), 0, "green")
	handle(t, "attrs", map[string]string{"a": "1"}, map[string]string{"b": "2"}, `{"a":"1"}`)
	handle(t, "doc", &address{Street: "a"}, &address{Geo: &geo{Hash: "b"}}, `{"Street":"a","Geo":null}`)
	handle(t, "Hops", &one, nil, "1")       // of an embedded pointer
	handle(t, "home_geohash", "u", "", "u") // of an inlined pointer in an inlined struct
	handle(t, "NoInt", int16(-1), 7, "-1")  // omitempty
	handle(t, "Month", time.March, 0, "3")  // embedded

	noField(t, "NoInt", int16(0), 7)
	noField(t, "no_text", "", "b")
	noField(t, "Maybe", nil, &two)
	noField(t, "doc", nil, &address{})
	noField(t, "NoTags", map[string]int{}, map[string]int{"a": 1})
}

func TestHandlesAreMadeOnlyOfTheRightType(t *testing.T) {
	m := hashmap.MustOf[Audit]()
	for want, err := range map[string]error{
		`hashmap: Audit has no field stored as "revision"; it has "CreatedBy", "Revision"`:                              fieldErr[int](m, "revision"),
		`hashmap: Audit.Revision, stored as "Revision", is of type int and not int64; call FieldOf[int]`:                fieldErr[int64](m, "Revision"),
		`hashmap: Audit.Revision, stored as "Revision", is of type int and not *int; call FieldOf[int]`:                 fieldErr[*int](m, "Revision"),
		`hashmap: Audit.CreatedBy, stored as "CreatedBy", is of type string and not interface {}; call FieldOf[string]`: fieldErr[any](m, "CreatedBy"),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func fieldErr[F, T any](m *hashmap.Mapping[T], name string) error {
	_, err := hashmap.FieldOf[F](m, name)
	return err
}

func TestHandleErrors(t *testing.T) {
	var none hashmap.Field[rich, int]
	n := 1
	dst := []byte("dst")
	if b, ok, err := none.To(1).AppendField(dst); err == nil || ok || string(b) != "dst" || none.To(1).Check() == nil {
		t.Errorf("a zero handle appends %q, %v, %v", b, ok, err)
	}
	if d := none.Into(&n); d.ParseField(dst) == nil || d.Check() == nil || d.FieldName() != "" {
		t.Error("a zero handle parses")
	}
	none.Into(&n).ClearField()

	m := hashmap.MustOf[rich]()
	level, err := hashmap.FieldOf[level](m, "Level")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{level.Into(nil).Check(), level.Into(nil).ParseField([]byte("1"))} {
		if err == nil || !strings.Contains(err.Error(), "rich.Level: Into was given a nil pointer") {
			t.Errorf("Into(nil): %v", err)
		}
	}
	level.Into(nil).ClearField()
	if err := parseLevel(level, "300-secret"); err == nil || !strings.HasPrefix(err.Error(), "hashmap: rich.Level: ") || strings.Contains(err.Error(), "300") {
		t.Errorf("bytes that are no number: %v", err)
	}
	tint, err := hashmap.FieldOf[color](m, "Color")
	if err != nil {
		t.Fatal(err)
	}
	if b, ok, err := tint.To(2).AppendField(dst); err == nil || ok || string(b) != "dst" {
		t.Errorf("a value whose method fails appends %q, %v, %v", b, ok, err)
	}
}

func parseLevel(f hashmap.Field[rich, level], src string) error {
	var l level
	return f.Into(&l).ParseField([]byte(src))
}
