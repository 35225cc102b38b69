package rediskey_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

// keyOfVersion is the key of a text.
func keyOfVersion(name string, version int, text string) string {
	f := rediskey.NewFamily(name, version)
	dst := append(f.Begin([]byte("front")), text...)
	return strings.TrimPrefix(string(f.End(dst, len("front"))), "front")
}

func TestKeysOfVersionsAreGolden(t *testing.T) {
	rows := redistest.FormatTable(t, "| K0 | version | value key | slot |")
	if len(rows) < 15 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		plain, want := unquote(t, row[0]), unquote(t, row[2])
		version, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		name, text, _ := strings.Cut(plain, ":")
		key := keyOfVersion(name, version, text)
		if key != want {
			t.Errorf("version %d of %q is %q, want %q", version, plain, key, want)
		}
		if got := strconv.Itoa(slotOf(key)); got != row[3] || slotOf(plain) != slotOf(key) {
			t.Errorf("the slot of %q is %s, want %s", key, got, row[3])
		}
	}
}

// All versions of a key lie in one slot and have one control key; a version knows the keys of
// its neighbours; and no two keys are the same.
func FuzzFamily(f *testing.F) {
	for _, row := range [][3]string{
		{"user", "42", "43"}, {"user", "a}b", "26828}user:a}b"}, {"user", "{t}", "{t}user:{t}"}, {"{t}", "a", "a}"},
		{"us}er", "{a}b", "a{b"}, {"1", "1}1:", ""}, {"user", "{}", "{}{x}"}, {"a", "b}", "b{}"}, {"user", "\xff}", "é"},
	} {
		f.Add(row[0], row[1], row[2], uint16(1))
	}
	f.Fuzz(func(t *testing.T, name, a, b string, n uint16) {
		if name == "" || !rediskey.Versions(name) {
			return
		}
		version := 1 + int(n)
		plain := map[string]string{} // by key
		for _, text := range []string{a, b, a + b, "{" + a + "}" + b, a + "}" + b, a + "{" + b} {
			before, key, after := keyOfVersion(name, version-1, text), keyOfVersion(name, version, text), keyOfVersion(name, version+1, text)
			control := rediskey.ControlKey(name + ":" + text)
			family := rediskey.NewFamily(name, version)
			if got := family.Control(key); got != control {
				t.Errorf("the control key of %q is %q, want %q", key, got, control)
			}
			if slotOf(key) != slotOf(control) {
				t.Errorf("%q is in slot %d, %q in slot %d", key, slotOf(key), control, slotOf(control))
			}
			wanted := []any{key, control, before, after}
			if version > 1 { // the version before may make its values of those
				wanted = slices.Insert(wanted, 2, any(keyOfVersion(name, version-2, text)))
			}
			if keys := family.AppendKeys(nil, key); !slices.Equal(keys, wanted) {
				t.Errorf("beside %q are %q, want %q", key, keys, wanted)
			}
			if f := family.Before(); f.Version() != version-1 || f.Control(before) != control {
				t.Errorf("the family before that of %q gives %q version %d and control key %q",
					key, before, f.Version(), f.Control(before))
			}
			if previous, ok := family.Previous(key); previous != before || !ok {
				t.Errorf("before %q is %q, %v, want %q", key, previous, ok, before)
			}
			if other, known := plain[key]; known && other != text {
				t.Errorf("%q is the key of %q and of %q", key, text, other)
			}
			plain[key] = text
		}
	})
}

func TestFamilyWithoutVersion(t *testing.T) {
	f := rediskey.NewFamily("user", 0)
	keys := f.AppendKeys(nil, "user:42")
	if len(keys) != 3 || keys[1] != "aside:{user:42}" || keys[2] != "user@1{user:42}" {
		t.Errorf("%q", keys)
	}
	if previous, ok := f.Previous("user:42"); ok {
		t.Errorf("there is nothing before version 0, and not %q", previous)
	}
	f = rediskey.NewFamily("us{er", 0)
	if keys := f.AppendKeys(nil, "us{er:42}"); len(keys) != 2 {
		t.Errorf("the name cannot have versions, and these are beside its key: %q", keys)
	}
}

// A person may leave out the version of a key, and the name.
func TestKeyOf(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version int
		texts   []string
		want    string
	}{
		{"user", 0, []string{"user:42", "42"}, "user:42"},
		{"user", 0, []string{"user:user@2{user:42}", "user@2{user:42}"}, "user:user@2{user:42}"},
		{"user", 2, []string{"user@2{user:42}", "user:42", "42"}, "user@2{user:42}"},
		{"user", 2, []string{"user@2:{acme}:42", "user:{acme}:42", "{acme}:42"}, "user@2:{acme}:42"},
		{"user", 2, []string{"user@2{user:}", "user:", ""}, "user@2{user:}"},
		{"user", 2, []string{"user@2{user:42"}, "user@2{user:user@2{user:42}"},
		{"user", 2, []string{"user@2{other:42}"}, "user@2{1}user:user@2{other:42}"},
	} {
		f := rediskey.NewFamily(tt.name, tt.version)
		for _, text := range tt.texts {
			got := f.KeyOf(text)
			if got != tt.want && !strings.Contains(tt.want, "{1}") {
				t.Errorf("version %d of %q is %q, want %q", tt.version, text, got, tt.want)
			}
			if !f.Is(got) || got != text && f.Is(text) {
				t.Errorf("version %d: %q is a key: %v; %q is one: %v", tt.version, got, f.Is(got), text, f.Is(text))
			}
		}
	}
}
