package rediskey_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

func TestControlPrefixIsGolden(t *testing.T) {
	rows := redistest.FormatTable(t, "| prefix | K | control key | slot |")
	if len(rows) < 4 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		var f rediskey.Family
		f.SetPrefix(row[0])
		got := f.Control(row[1])
		if got != row[2] {
			t.Errorf("behind %q the control key of %q is %q, want %q", row[0], row[1], got, row[2])
		}
		if slot := strconv.Itoa(slotOf(row[1])); slot != row[3] || slotOf(got) != slotOf(row[1]) {
			t.Errorf("the slots of %q and %q are %s and %d, want %s", row[1], got, slot, slotOf(got), row[3])
		}
	}
}

// All that is made beside a value key lies in its slot and behind the prefix, and is not what
// another prefix makes: neither control keys nor those where values are staged.
func FuzzControlPrefix(f *testing.F) {
	for _, row := range [][2]string{{"tenant7:aside:", "user:42"}, {"a:", "a}b"}, {"x:0badcafe:", "{t}k"}, {":", "é"}} {
		f.Add(row[0], row[1])
	}
	f.Fuzz(func(t *testing.T, prefix, key string) {
		prefix = strings.NewReplacer("{", "", "}", "").Replace(prefix) + ":"
		if key == "" {
			return
		}
		var family rediskey.Family
		family.SetPrefix(prefix)
		control := family.Control(key)
		staged := family.Staging(control, rediskey.NewToken())
		scratch := rediskey.ScratchKey(prefix, key)
		for _, k := range []string{control, staged, scratch} {
			if slotOf(k) != slotOf(key) || !strings.HasPrefix(k, prefix) {
				t.Errorf("%q in slot %d is made for %q in slot %d", k, slotOf(k), key, slotOf(key))
			}
		}
		// The prefix can be found again: it ends at the first brace, or 8 digits before.
		if before, _, _ := strings.Cut(control, "{"); before != prefix || keyOf(t, rediskey.ControlPrefix+control[len(prefix):]) != key {
			t.Errorf("%q is not the control key of %q alone", control, key)
		}
		if before, _, _ := strings.Cut(staged, "{"); strings.HasSuffix(before, ":") || before[:len(before)-8] != prefix {
			t.Errorf("%q may be a control key", staged)
		}
	})
}

// A brace in a prefix would put control keys into slots of their own.
func TestPrefixWithABrace(t *testing.T) {
	var family rediskey.Family
	for _, prefix := range []string{"{a}:", "a{:"} {
		family.SetPrefix(prefix)
		if control := family.Control("user:42"); slotOf(control) == slotOf("user:42") {
			t.Errorf("%q is in the slot of user:42", control)
		}
	}
}
