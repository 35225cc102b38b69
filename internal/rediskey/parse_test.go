package rediskey_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

// Each key of the format's tables is read back as what it was made of.
func TestParseReadsGoldenKeys(t *testing.T) {
	for _, row := range redistest.FormatTable(t, "| K0 | version | value key | slot |") {
		plain, key := unquote(t, row[0]), unquote(t, row[2])
		version, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		want := rediskey.Parsed{Plain: plain, Version: version}
		if version > 0 {
			want.Name, _, _ = strings.Cut(plain, ":")
		}
		if got := rediskey.Parse("", key); got != want {
			t.Errorf("Parse(%q) = %+v, want %+v", key, got, want)
		}
	}
	for _, row := range redistest.FormatTable(t, "| value key | control key | slot |") {
		plain, control := unquote(t, row[0]), unquote(t, row[1])
		checkOwn(t, "", plain, control)
	}
	for _, row := range redistest.FormatTable(t, "| prefix | K | control key | slot |") {
		prefix, plain, control := strings.Trim(row[0], "`"), unquote(t, row[1]), unquote(t, row[2])
		checkOwn(t, prefix, plain, control)
	}
}

// checkOwn checks what is said of a control key and of a staged value.
func checkOwn(t *testing.T, prefix, plain, control string) {
	t.Helper()
	if got, want := rediskey.Parse(prefix, control), (rediskey.Parsed{Role: rediskey.RoleControl, Plain: plain}); got != want {
		t.Errorf("Parse(%q) = %+v, want %+v", control, got, want)
	}
	if got := rediskey.ControlOf(prefix, plain); got != control {
		t.Errorf("ControlOf(%q) = %q, want %q", plain, got, control)
	}
	var f rediskey.Family
	f.SetPrefix(prefix)
	staged := f.Staging(control, rediskey.NewToken())
	if got, want := rediskey.Parse(prefix, staged), (rediskey.Parsed{Role: rediskey.RoleStaged, Plain: plain}); got != want {
		t.Errorf("Parse(%q) = %+v, want %+v", staged, got, want)
	}
}

func TestParseOfOtherKeys(t *testing.T) {
	for _, tt := range []struct {
		key  string
		want rediskey.Parsed
	}{
		{"", rediskey.Parsed{}},
		{"plain", rediskey.Parsed{Plain: "plain"}},
		{"user@prefix", rediskey.Parsed{Role: rediskey.RolePrefix, Name: "user"}},
		{"user:me@prefix", rediskey.Parsed{Plain: "user:me@prefix"}},
		{"user:me@1:x", rediskey.Parsed{Plain: "user:me@1:x"}},
		{"user@02{user:42}", rediskey.Parsed{Plain: "user@02{user:42}"}},
		{"user@2{other:42}", rediskey.Parsed{Plain: "user@2{other:42}"}},
		{"user@99999999999999999999{user:42}", rediskey.Parsed{Plain: "user@99999999999999999999{user:42}"}},
		{"a:b@3{a:b:c}", rediskey.Parsed{Plain: "a:b:c", Name: "a:b", Version: 3}},
		{"aside:", rediskey.Parsed{Role: rediskey.RoleUnknown}},
		{"aside:x", rediskey.Parsed{Role: rediskey.RoleUnknown}},
		{"aside:{}", rediskey.Parsed{Role: rediskey.RoleUnknown}},
		{"aside:{a}b", rediskey.Parsed{Role: rediskey.RoleUnknown}},
		{"aside:0badcafe{a}b", rediskey.Parsed{Role: rediskey.RoleUnknown}},
		{"aside:0badcafe", rediskey.Parsed{Role: rediskey.RoleUnknown}},
	} {
		if got := rediskey.Parse("", tt.key); got != tt.want {
			t.Errorf("Parse(%q) = %+v, want %+v", tt.key, got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for key, want := range map[string][]string{
		"": nil, "x": nil, ":x": nil, "user:42": {"user"}, "user::42": {"user"},
		"a:b:c:d": {"a", "a:b"},
	} {
		if got := rediskey.Names(key, 2); !slices.Equal(got, want) {
			t.Errorf("Names(%q) = %q, want %q", key, got, want)
		}
	}
}
