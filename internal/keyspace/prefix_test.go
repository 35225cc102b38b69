package keyspace

import (
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/rediskey"
)

// What is wrong with a ControlPrefix is told in a sentence; what is not leaves value keys and
// control keys apart.
func TestCheckPrefix(t *testing.T) {
	for _, tt := range []struct{ name, prefix, problem string }{
		{"user", "", ""},
		{"user", "aside:", ""},
		{"user", "c:", ""},
		{"tenant7:user", "tenant7:aside:", ""},
		{"tenant7:user", "tenant7:user-aside:", ""},
		{"user", "users:", ""},
		{"user", "user@x:", ""},
		{"user", "aside", "does not end with a colon"},
		{"user", "{t}aside:", "has a brace"},
		{"user", "a}:", "has a brace"},
		{"user", "my aside:", "holds a space"},
		{"user", "a\n:", "control character"},
		{"user", strings.Repeat("a", maxPrefix) + ":", "bytes"},
		{"tenant7:user", "tenant7:", "is taken"},
		{"tenant7:user", "tenant7:user:", "is taken"},
		{"tenant7", "tenant7:aside:", "begins with the Name"},
		{"tenant7", "tenant7@2:aside:", "begins with the Name"},
		{"a:", "a:", "is taken"},
	} {
		var p Problems
		p.CheckPrefix(tt.name, tt.prefix)
		err := p.Join("cache", tt.name)
		if tt.problem == "" {
			if err != nil {
				t.Errorf("%q, %q: %v", tt.name, tt.prefix, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%q, %q: %v, want that it %s", tt.name, tt.prefix, err, tt.problem)
		}
	}
}

// Of a name and a prefix that are accepted no value key, of any version, begins as control keys
// do, whatever its text.
func FuzzCheckPrefix(f *testing.F) {
	f.Add("tenant7:user", "tenant7:aside:", "aside:{x}", 2)
	f.Add("tenant7", "tenant7@2:aside:", "{t}", 2)
	f.Add("a", "a:b:", "b:{x}", 0)
	f.Fuzz(func(t *testing.T, name, prefix, text string, version int) {
		var p Problems
		p.CheckName(name, version)
		p.CheckPrefix(name, prefix)
		if p.Join("cache", name) != nil {
			return
		}
		family := rediskey.NewFamily(name, version)
		family.SetPrefix(prefix)
		key := string(family.End(append(family.Begin(nil), text...), 0))
		// What stands behind the name may be any text that the prefix goes on with.
		rest, continued := strings.CutPrefix(family.Prefix(), string(family.Begin(nil)))
		if continued {
			t.Errorf("the text %q gives a value key behind the prefix %q", rest, prefix)
		}
		for _, k := range family.AppendKeys(nil, key)[2:] {
			if strings.HasPrefix(k.(string), family.Prefix()) {
				t.Errorf("the value key %q begins with the prefix %q", k, prefix)
			}
		}
		if strings.HasPrefix(key, family.Prefix()) {
			t.Errorf("the value key %q begins with the prefix %q", key, prefix)
		}
	})
}
