package keyspace

import (
	"regexp"
	"strings"

	"github.com/asidecache/aside/internal/rediskey"
)

// maxPrefix bounds a ControlPrefix, in bytes, which each control key repeats.
const maxPrefix = 256

// versionedName is what a value key of a version may have in front of its text.
var versionedName = regexp.MustCompile(`^@[0-9]+:`)

// CheckPrefix checks the ControlPrefix of keys of a name; empty for the default. No value key
// may be a control key: neither may the prefix begin what stands in front of each text, nor may
// that begin the prefix, as a text may be anything.
func (p *Problems) CheckPrefix(name, prefix string) {
	if prefix == "" || prefix == rediskey.ControlPrefix {
		return
	}
	p.Check(strings.HasSuffix(prefix, ":"),
		"ControlPrefix %q does not end with a colon, which keeps the keys behind it apart "+
			"from those behind a longer one: write %q", prefix, prefix+":")
	p.Check(!strings.ContainsAny(prefix, "{}"), "ControlPrefix %q has a brace: "+
		"control keys would lie in other slots of a cluster than their values", prefix)
	p.Check(!strings.ContainsFunc(prefix, isBlank), "ControlPrefix %q holds a space "+
		"or a control character: use letters, digits and punctuation", prefix)
	p.Check(len(prefix) <= maxPrefix, "ControlPrefix has %d bytes: use %d at most, "+
		"as each control key repeats it", len(prefix), maxPrefix)
	p.Check(!strings.HasPrefix(name+":", prefix), "Name %q is taken: "+
		"keys that begin with the ControlPrefix, %q, are the cache's own", name, prefix)
	rest, continues := strings.CutPrefix(prefix, name)
	p.Check(name == "" || prefix == name+":" || !continues || rest != "" && rest[0] != ':' && !versionedName.MatchString(rest),
		"ControlPrefix %q begins with the Name %q and a colon, as value keys do, one of which "+
			"might be a control key: give the Name a part of its own behind what they have in "+
			"common, such as %q", prefix, name, name+":value")
}
