package resp

import (
	"slices"
	"strings"
	"testing"
)

// Answers of both protocols come to the same parts.
func TestFlatten(t *testing.T) {
	for answer, want := range map[string][]string{
		":-5\r\n":                            {"-5"},
		",1.5\r\n":                           {"1.5"},
		"+OK\r\n":                            {"OK"},
		"#t\r\n":                             {"1"},
		"#f\r\n":                             {"0"},
		"_\r\n":                              {"nil"},
		"$-1\r\n":                            {"nil"},
		"*-1\r\n":                            {"nil"},
		"$0\r\n\r\n":                         {""},
		"$4\r\n\r\n\x00$\r\n":                {"\r\n\x00$"},
		"*0\r\n":                             {},
		"*2\r\n$1\r\na\r\n$-1\r\n":           {"a", "nil"},
		"~1\r\n$1\r\na\r\n":                  {"a"},
		"%1\r\n$1\r\na\r\n:1\r\n":            {"a", "1"},
		"*1\r\n*2\r\n$1\r\na\r\n,2\r\n":      {"a", "2"},
		"*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n": {"0", "a"},
	} {
		parts, err := (&Reply{buf: []byte(answer)}).Flatten(nil)
		if got := shown(parts); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q = %q, %v, want %q", answer, got, err, want)
		}
	}
}

func shown(parts [][]byte) []string {
	all := []string{}
	for _, p := range parts {
		if p == nil {
			all = append(all, "nil")
		} else {
			all = append(all, string(p))
		}
	}
	return all
}

// What is no answer is an error, and costs no more than its bytes.
func TestFlattenHostile(t *testing.T) {
	for _, answer := range []string{
		"", "\r\n", "$", "$5\r\n", "$5\r\nab\r\n", "$9223372036854775807\r\na\r\n", "$1\r\nab\r\n",
		"*1\r\n", "*2\r\n:1\r\n", "*4294967295\r\n:1\r\n",
		"%9223372036854775807\r\n", "!3\r\nERR\r\n", "-ERR\r\n", ":1\r\n:2\r\n", "$x\r\n",
		strings.Repeat("*1\r\n", 100_000),
	} {
		if parts, err := (&Reply{buf: []byte(answer)}).Flatten(nil); err == nil {
			t.Errorf("%.20q = %q, which is no answer", answer, shown(parts))
		}
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n"))
	f.Add([]byte("%1\r\n+a\r\n,1.5\r\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		parts, err := (&Reply{buf: answer}).Flatten(nil)
		if err == nil && len(parts) > len(answer) {
			t.Errorf("%q has %d parts", answer, len(parts))
		}
	})
}
