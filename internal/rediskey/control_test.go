package rediskey_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

// unquote reads Go's notation for strings, without the quotes.
func unquote(t *testing.T, s string) string {
	t.Helper()
	s, err := strconv.Unquote(`"` + s + `"`)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestControlKeyIsGolden(t *testing.T) {
	rows := redistest.FormatTable(t, "| value key | control key | slot |")
	if len(rows) < 20 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		key, want := unquote(t, row[0]), unquote(t, row[1])
		if got := rediskey.ControlKey(key); got != want {
			t.Errorf("the control key of %q is %q, want %q", key, got, want)
		}
		for _, k := range []string{key, want} {
			if got := strconv.Itoa(slotOf(k)); got != row[2] {
				t.Errorf("the slot of %q is %s, want %s", k, got, row[2])
			}
			if got := strconv.Itoa(int(rediskey.Slot(k))); got != row[2] {
				t.Errorf("Slot(%q) = %s, want %s", k, got, row[2])
			}
		}
	}
}

// slotOf is the cluster slot of a key, bit by bit from the Redis cluster
// specification: CRC-16/XMODEM of the hash tag or, without one, of the key.
func slotOf(key string) int {
	if open := strings.Index(key, "{"); open >= 0 {
		if length := strings.Index(key[open+1:], "}"); length > 0 {
			key = key[open+1 : open+1+length]
		}
	}
	crc := 0
	for _, b := range []byte(key) {
		crc ^= int(b) << 8
		for range 8 {
			crc <<= 1
			if crc&0x10000 != 0 {
				crc ^= 0x11021
			}
		}
	}
	return crc % 16384
}

func TestSlotOf(t *testing.T) {
	if got := slotOf("123456789"); got != 0x31c3 { // the specification's example
		t.Errorf("%#x", got)
	}
}

// Servers agree on the slots of value and control keys.
func TestServersAgreeOnSlots(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Topology != redistest.Cluster {
			t.Skip("only a cluster has slots")
		}
		for _, row := range redistest.FormatTable(t, "| value key | control key | slot |") {
			for _, column := range row[:2] {
				key := unquote(t, column)
				got, err := env.Client.ClusterKeySlot(t.Context(), key).Result()
				if strconv.FormatInt(got, 10) != row[2] || err != nil {
					t.Errorf("CLUSTER KEYSLOT %q: %d, %v, want %s", key, got, err, row[2])
				}
			}
		}
	})
}

func TestControlKeyOfAHugeKey(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	for _, key := range []string{huge, huge + "}", huge + "{t}" + huge, "{" + huge + "}"} {
		control := rediskey.ControlKey(key)
		if slotOf(control) != slotOf(key) || len(control) > 2*len(key)+len("aside:{}") {
			t.Errorf("a key of %d bytes: a control key of %d, slots %d and %d", len(key), len(control), slotOf(key), slotOf(control))
		}
	}
}

// Two keys never share a control key, and a control key lies in the slot of its
// key and outside all families of keys. A family's name has a say in every key,
// so that no key is empty or begins like a control key.
func FuzzControlKey(f *testing.F) {
	for _, row := range [][2]string{
		{"user:42", "user:43"}, {"{a}b", "{a}{a}b"}, {"a}b", "15285}a}b"}, {"a", "a}"}, {"{}", "{}x"}, {"{a}b", "{b}a"},
		{"a}b{c}", "{a}{b}"}, {"a{b", "a{b}"}, {"\xff}", "\xff"}, {"x", "aside:{x}"},
	} {
		f.Add(row[0], row[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, key := range []string{a, b, a + b, "{" + a + "}" + b, a + "}" + b, a + "{" + b} {
			if key == "" {
				continue
			}
			c := rediskey.ControlKey(key)
			if slotOf(c) != slotOf(key) {
				t.Errorf("%q is in slot %d, %q in slot %d", key, slotOf(key), c, slotOf(c))
			}
			if !strings.HasPrefix(c, rediskey.ControlPrefix) {
				t.Errorf("%q is no control key", c)
			}
			if got := keyOf(t, c); got != key {
				t.Errorf("%q is the control key of %q and of %q", c, got, key)
			}
		}
	})
}

// keyOf finds the key of a control key again: that it can be found shows that no
// other has the same.
func keyOf(t *testing.T, control string) string {
	t.Helper()
	tag, key, found := strings.Cut(strings.TrimPrefix(control, rediskey.ControlPrefix+"{"), "}")
	if !found {
		t.Fatalf("%q has no hash tag", control)
	}
	if key == "" {
		return tag
	}
	return key
}
