package rediskey

import (
	"regexp"
	"strconv"
	"strings"
)

// A Role is what a key is for.
type Role uint8

const (
	RoleValue   Role = iota // it holds a value
	RoleControl             // it is the control key of a value key
	RoleStaged              // a value is staged there
	RolePrefix              // it holds the prefix of control keys that a name has
	RoleUnknown             // it begins as a control key does, and is none
)

// A Parsed key is what the name of a key tells.
type Parsed struct {
	Role    Role
	Plain   string // the value key without a version; empty for RolePrefix and RoleUnknown
	Name    string // of RolePrefix, and of a key with a version; else only Names may tell
	Version int    // of RoleValue; 0 for none
}

// versionMark is what may stand behind the name in the key of a version.
var versionMark = regexp.MustCompile(`@([1-9][0-9]*)[:{]`)

// Parse takes a key apart, where control keys begin with prefix, empty for ControlPrefix. A key
// is of a version if it looks like one: a text may hold what looks like the version of another
// name.
func Parse(prefix, key string) Parsed {
	f := Family{prefix: prefix}
	prefix = f.Prefix()
	if rest, own := strings.CutPrefix(key, prefix); own {
		return parseOwn(prefix, key, rest)
	}
	if name, ok := strings.CutSuffix(key, "@prefix"); ok && !strings.Contains(name, ":") {
		return Parsed{Role: RolePrefix, Name: name}
	}
	for _, at := range versionMark.FindAllStringSubmatchIndex(key, -1) {
		name := key[:at[0]]
		version, err := strconv.Atoi(key[at[2]:at[3]])
		if err != nil || !Versions(name) {
			continue
		}
		f := Family{name: name, version: version, stem: stem(name, version)}
		plain := f.plain(key)
		if strings.HasPrefix(plain, name+":") && VersionKey(name, version, plain) == key {
			return Parsed{Plain: plain, Name: name, Version: version}
		}
	}
	return Parsed{Plain: key}
}

// stagedMark stands behind the prefix in the key of a staged value.
var stagedMark = regexp.MustCompile(`^[0-9a-f]{8}\{`)

// parseOwn is Parse of a key that begins with the prefix of control keys.
func parseOwn(prefix, key, rest string) Parsed {
	if plain, ok := plainOf(prefix, key); ok {
		return Parsed{Role: RoleControl, Plain: plain}
	}
	if stagedMark.MatchString(rest) {
		if plain, ok := plainOf(prefix, prefix+rest[8:]); ok {
			return Parsed{Role: RoleStaged, Plain: plain}
		}
	}
	return Parsed{Role: RoleUnknown}
}

// plainOf returns the key whose control key this is.
func plainOf(prefix, control string) (plain string, ok bool) {
	tag, after, ok := strings.Cut(control[len(prefix):], "}")
	if !ok || tag == "" || tag[0] != '{' {
		return "", false
	}
	plain = after
	if plain == "" {
		plain = tag[1:]
	}
	return plain, plain != "" && controlKey(prefix, plain) == control
}

// Names returns the names that the family of a value key without a version may have: what
// stands in front of each of its colons, n at most, the shortest first.
func Names(plain string, n int) (names []string) {
	for i := 0; i < len(plain) && len(names) < n; i++ {
		if plain[i] == ':' && i > 0 && plain[i-1] != ':' {
			names = append(names, plain[:i])
		}
	}
	return names
}

// ControlOf returns the control key of a value key without a version, where control keys begin
// with prefix, empty for ControlPrefix.
func ControlOf(prefix, plain string) string {
	f := Family{prefix: prefix}
	return controlKey(f.Prefix(), plain)
}

// VersionKey returns the key of a version of a name, for the key without one.
func VersionKey(name string, version int, plain string) string {
	return string(appendVersion(nil, stem(name, version), name, plain))
}
