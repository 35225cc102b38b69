package explain

import (
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/asidecache/aside/internal/rediskey"
)

// A Report is what there is to say of a key. In JSON a TTL is in milliseconds, -1 for a key that
// does not expire; what the server has refused to tell is missing.
type Report struct {
	Key       string    `json:"key"`
	KeyBytes  []byte    `json:"key_base64,omitempty"` // of a key that is not UTF-8
	Role      string    `json:"role"`                 // value, control, staged, prefix or unknown
	Name      string    `json:"name,omitempty"`       // of the cache, if it is certain
	Version   int       `json:"version"`              // of the key
	ValueKey  string    `json:"value_key,omitempty"`  // of a control key, the one without a version
	Value     *Value    `json:"value"`                // that of the value key; null if there is none
	Held      *Value    `json:"held,omitempty"`       // what the key itself holds, if it is no value key
	Control   *Control  `json:"control,omitempty"`
	Versions  []Version `json:"versions,omitempty"` // others that have a value
	Cluster   *Place    `json:"cluster,omitempty"`
	Refused   []string  `json:"refused,omitempty"` // commands, and why
	Sentences []string  `json:"sentences"`
}

func newReport(key string) *Report {
	r := &Report{Key: key}
	if !utf8.ValidString(key) {
		r.KeyBytes = []byte(key)
	}
	return r
}

// roles are the words for roles in a Report.
var roles = map[rediskey.Role]string{
	rediskey.RoleValue: "value", rediskey.RoleControl: "control", rediskey.RoleStaged: "staged",
	rediskey.RolePrefix: "prefix", rediskey.RoleUnknown: "unknown",
}

// Exists reports whether the key itself holds anything.
func (r *Report) Exists() bool {
	switch r.Role {
	case roles[rediskey.RoleValue]:
		return r.Value != nil
	case roles[rediskey.RoleControl]:
		return r.Control.State != StateNone
	}
	return r.Held != nil
}

// A Value is what a key holds.
type Value struct {
	Type     string   `json:"type"`               // string, hash, list, set, zset, stream or another
	Encoding string   `json:"encoding,omitempty"` // of a string, by its looks
	Count    *int64   `json:"count,omitempty"`    // of fields or elements
	Bytes    *int64   `json:"bytes,omitempty"`    // of a string
	Memory   *int64   `json:"memory,omitempty"`   // bytes, as MEMORY USAGE estimates
	TTL      *int64   `json:"ttl_ms,omitempty"`
	Fields   []string `json:"fields,omitempty"` // names of a hash's, or some of them
	Shown    []Part   `json:"shown,omitempty"`  // the value, if it was asked for
	Cut      bool     `json:"cut,omitempty"`    // there is more of it
}

// A Part is a string, a field of a hash, or an element, in a form to be read.
type Part struct {
	Name  string `json:"name,omitempty"` // of a field; the score of an element
	Value string `json:"value"`
}

// What a control key says.
const (
	StateNone    = "none"    // there is none
	StateAbsent  = "absent"  // the source has no value
	StateEmpty   = "empty"   // the value of some versions is empty
	StateLeased  = "leased"  // a process loads the value
	StateIgnored = "ignored" // it holds what counts as nothing
	StateRefused = "refused" // the server does not tell
)

// A Control is what the control key says. Behind a lease there may be what it has replaced.
type Control struct {
	Key         string `json:"key"`
	State       string `json:"state"`
	TTL         *int64 `json:"ttl_ms,omitempty"`
	Empty       []int  `json:"empty_versions,omitempty"`
	Carries     string `json:"carries,omitempty"` // behind a lease: absent or empty
	CarriedLeft *int64 `json:"carried_ttl_ms,omitempty"`
	Touched     bool   `json:"touched,omitempty"` // the value has got a new TTL meanwhile
}

// A Version is another version of the key that has a value.
type Version struct {
	Version int    `json:"version"`
	Key     string `json:"key"`
	Type    string `json:"type"`
	TTL     *int64 `json:"ttl_ms,omitempty"`
}

// A Place is where in a cluster a key lies.
type Place struct {
	Slot   uint16 `json:"slot"`
	Master string `json:"master,omitempty"`
}

// Printable returns a key as it is to be shown: as a string in the notation of Go if it has
// anything that no line should hold, or might be taken for one.
func Printable(key string) string {
	for _, r := range key {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.Quote(key)
		}
	}
	if key == "" || key[0] == '"' {
		return strconv.Quote(key)
	}
	return key
}

// Span says about how long a time is.
func Span(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(max(d.Milliseconds(), 0), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 2*time.Minute:
		return whole(d, time.Second) + " s"
	case d < 2*time.Hour:
		return whole(d, time.Minute) + " min"
	case d < 48*time.Hour:
		return whole(d, time.Hour) + " h"
	}
	return whole(d, 24*time.Hour) + " days"
}

func whole(d, unit time.Duration) string { return strconv.FormatInt(int64(d.Round(unit)/unit), 10) }

// RoleName returns the word for a role.
func RoleName(role rediskey.Role) string { return roles[role] }
