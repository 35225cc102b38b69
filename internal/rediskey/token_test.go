package rediskey_test

import (
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/rediskey"
)

func TestTokensDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		token := rediskey.NewToken()
		if len(token) != rediskey.TokenSize || seen[token] {
			t.Fatalf("the token %q has %d bytes, seen before: %v", token, len(token), seen[token])
		}
		seen[token] = true
	}
}

// A staged value lies in the slot of its key, and where no control key does.
func TestStagingKey(t *testing.T) {
	var family rediskey.Family
	for _, key := range []string{"k", "{t}k", "a}b", "{", "{}k"} {
		control := family.Control(key)
		staged := family.Staging(control, rediskey.NewToken())
		switch {
		case rediskey.Slot(staged) != rediskey.Slot(key):
			t.Errorf("%q is in slot %d, %q in %d", staged, rediskey.Slot(staged), key, rediskey.Slot(key))
		case !strings.HasPrefix(staged, rediskey.ControlPrefix),
			strings.HasPrefix(staged, rediskey.ControlPrefix+"{"):
			t.Errorf("%q may be taken for a control key", staged)
		case staged == family.Staging(control, rediskey.NewToken()):
			t.Errorf("%q belongs to two tokens", staged)
		}
	}
}
