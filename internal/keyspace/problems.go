package keyspace

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/store"
)

// Problems collects what is wrong with a configuration, as sentences.
type Problems []error

// Check adds a sentence unless ok.
func (p *Problems) Check(ok bool, sentence string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf(sentence, args...))
	}
}

// Add adds what is wrong with a field, or, without a field, with the whole.
func (p *Problems) Add(field string, err error) {
	switch {
	case err == nil:
	case field == "":
		*p = append(*p, err)
	default:
		*p = append(*p, fmt.Errorf("%s: %w", field, err))
	}
}

// Join returns all problems as one error about a cache or collection of this kind and name,
// nil for none.
func (p Problems) Join(kind, name string) error {
	if len(p) == 0 {
		return nil
	}
	return fmt.Errorf("aside: %s %q cannot be made: %w", kind, name, errors.Join(p...))
}

// versionSuffix is what names the version in a Redis key: behind the name, in front of the braces
// that keep the versions of a key in one slot, or of the colon.
var versionSuffix = regexp.MustCompile(`@[0-9]+($|[:{])`)

// CheckName checks the parts of the prefix of all keys.
func (p *Problems) CheckName(name string, version int) {
	p.Check(name != "", "Name is empty: give the family of keys a name, such as \"user\"")
	p.Check(name+":" != rediskey.ControlPrefix && !strings.HasPrefix(name, rediskey.ControlPrefix),
		"Name %q is taken: keys that begin with %q are the cache's own", name, rediskey.ControlPrefix)
	p.Check(!versionSuffix.MatchString(name),
		"Name %q holds \"@\" and digits where a version stands: set Version instead", name)
	p.Check(!strings.ContainsFunc(name, isBlank),
		"Name %q holds a space or a control character: use letters, digits and punctuation", name)
	p.Check(!strings.HasSuffix(name, ":"),
		"Name %q ends with a colon: leave it out, each key has one behind the name", name)
	p.Check(version >= 0, "Version is %d: use a positive number, or 0 for none", version)
	p.Check(version <= 0 || rediskey.Versions(name),
		"Name %q has a '{' that begins no hash tag, so that the versions of a key "+
			"would lie in different slots: close it within the Name, or leave Version 0", name)
}

// CheckStaleFor checks how long values are kept beyond their TTL: 0 or -1 for not at all.
func (p *Problems) CheckStaleFor(staleFor, ttl time.Duration) {
	p.Check(staleFor == 0 || staleFor == -1 || staleFor >= time.Millisecond,
		"StaleFor is %v: it has to be at least 1ms, or Off", staleFor)
	p.Check(staleFor <= 0 || ttl != store.Forever, "StaleFor is %v, and TTL is Forever: "+
		"what does not expire never turns stale, so leave StaleFor 0 or set a TTL", staleFor)
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// CheckTimes checks the settings that all caches and collections have.
func (p *Problems) CheckTimes(ttl time.Duration, jitter float64, redisTimeout time.Duration) {
	p.Check(ttl != 0, "TTL is 0: say how long values are kept, or Forever")
	p.Check(ttl == 0 || ValidTTL(ttl), "TTL is %v: it has to be at least 1ms, or Forever", ttl)
	p.Check(!math.IsNaN(jitter) && jitter <= 1, "Jitter is %v: "+
		"it is the fraction of the TTL that may be cut off, 1 at the most; negative for none", jitter)
	p.Check(redisTimeout >= time.Millisecond,
		"RedisTimeout is %v: it has to be at least 1ms", redisTimeout)
}
