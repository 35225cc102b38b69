package explain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sentences say what the report has, for a person to read. They hold no value, but for ShowValue.
func (r *Report) sentences() (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	r.sayRole(add)
	switch {
	case r.Value != nil:
		r.Value.say("There is a value", add)
	case r.ValueKey != "":
		add("There is no value.")
	}
	if r.Control != nil {
		r.sayControl(add)
		r.sayVersions(add)
		r.sayCall(add)
	}
	if c := r.Cluster; c != nil {
		where := ""
		if c.Master != "" {
			where = ", on the master " + Printable(c.Master)
		}
		add("It lies in slot %d%s.", c.Slot, where)
	}
	for _, refused := range r.Refused {
		add("Redis does not tell all: %s.", refused)
	}
	return all
}

type addFunc func(format string, args ...any)

// sayRole says what the key is, unless it is a value key.
func (r *Report) sayRole(add addFunc) {
	key, of := Printable(r.Key), Printable(r.ValueKey)
	switch r.Role {
	case "control":
		add("%s is the control key of %s, which the rest is about.", key, of)
	case "staged":
		add("%s is where a large value of %s is staged until it is stored, for 30 s at most.", key, of)
		if r.Held == nil {
			add("Nothing is staged there.")
		} else {
			r.Held.say("What is staged", add)
		}
	case "prefix":
		add("%s is where Check notes which ControlPrefix %s has.", key, Printable(r.Name))
		if r.Held == nil {
			add("It is not there.")
		}
	case "unknown":
		add("%s begins as control keys do, and is none.", key)
		if r.Held != nil {
			r.Held.say("It holds", add)
		}
	}
	if r.Version > 0 {
		add("%s is version %d of %s.", key, r.Version, Printable(r.Name))
	}
}

// say says what a value is.
func (v *Value) say(begin string, add addFunc) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", begin, article(v.Type))
	if v.Bytes != nil {
		fmt.Fprintf(&b, " of %s", plural(*v.Bytes, "byte"))
	}
	if v.Count != nil {
		fmt.Fprintf(&b, " of %s", plural(*v.Count, partsOf(v.Type)))
	}
	b.WriteString(looksLike(v.Encoding))
	if v.Memory != nil {
		fmt.Fprintf(&b, "; it takes about %s of memory", plural(*v.Memory, "byte"))
	}
	add("%s.", b.String())
	switch {
	case v.TTL == nil:
	case *v.TTL < 0:
		add("It does not expire.")
	default:
		add("It expires in %s.", left(*v.TTL))
	}
	if len(v.Fields) > 0 {
		more := ""
		if v.Count != nil && int64(len(v.Fields)) < *v.Count {
			more = fmt.Sprintf(", and %d more", *v.Count-int64(len(v.Fields)))
		}
		add("Its fields are %s%s.", strings.Join(v.Fields, ", "), more)
	}
	switch v.Type {
	case "string", "hash", "list", "set", "zset":
	default:
		add("No cache stores values of this type.")
	}
	v.sayShown(add)
}

// looksLike says how a value is encoded.
func looksLike(encoding string) string {
	switch encoding {
	case "", looksEmpty:
		return ""
	case looksOther:
		return ", in no format that is known"
	case looksEncrypted, compressedZstd, compressedS2:
		encoding = "something " + encoding
	}
	return ", which looks like " + encoding
}

// sayShown says what the value is, if that was asked for.
func (v *Value) sayShown(add addFunc) {
	for _, p := range v.Shown {
		switch {
		case p.Name != "":
			add("  %s: %s", p.Name, Printable(p.Value))
		default:
			add("  %s", Printable(p.Value))
		}
	}
	if v.Shown != nil && v.Cut {
		add("  There is more of it.")
	}
}

// sayControl says what the control key says.
func (r *Report) sayControl(add addFunc) {
	c := r.Control
	key := Printable(c.Key)
	switch c.State {
	case StateNone:
		add("There is no control key %s.", key)
	case StateRefused:
		add("The control key %s may not be read.", key)
	case StateIgnored:
		add("The control key %s holds what no cache has written, or a lease without a TTL: "+
			"it counts as nothing.", key)
	case StateAbsent:
		add("The control key %s says: the source has none%s.", key, forAWhile(c.TTL))
	case StateEmpty:
		add("The control key %s says: the value is empty%s%s.", key, ofVersions(c.Empty), forAWhile(c.TTL))
	case StateLeased:
		r.sayLease(key, add)
	}
}

func (r *Report) sayLease(key string, add addFunc) {
	c := r.Control
	doing := "loads the value"
	if r.Value != nil {
		doing = "refreshes the value"
	}
	more := ""
	if c.TTL != nil {
		more = fmt.Sprintf(" for %s more", left(*c.TTL))
	}
	add("The control key %s says: a process %s; it is leased%s.", key, doing, more)
	switch c.Carries {
	case StateAbsent:
		add("Until that is done the source has none%s.", forAWhile(c.CarriedLeft))
	case StateEmpty:
		add("Until that is done the value is empty%s%s.", ofVersions(c.Empty), forAWhile(c.CarriedLeft))
	}
	if c.Touched {
		add("The value has got a new TTL while it is loaded.")
	}
}

// sayVersions says which other versions have a value.
func (r *Report) sayVersions(add addFunc) {
	for _, v := range r.Versions {
		which := "The key without a version"
		if v.Version > 0 {
			which = fmt.Sprintf("Version %d", v.Version)
		}
		expires := ""
		if v.TTL != nil && *v.TTL >= 0 {
			expires = ", which expires in " + left(*v.TTL)
		}
		add("%s has a value too, %s: %s%s.", which, Printable(v.Key), article(v.Type), expires)
	}
	if len(r.Versions) == 0 {
		add("No other version of it was found.")
	}
}

// sayCall says what a cache does when it is asked for the key.
func (r *Report) sayCall(add addFunc) {
	c := r.Control
	absent := c.State == StateAbsent || c.Carries == StateAbsent
	empty := slices.Contains(c.Empty, r.Version)
	switch {
	case r.Value != nil:
		add("A GetOrSet gets this value.")
	case absent:
		add("A GetOrSet gets ErrNotFound.")
	case empty:
		add("A GetOrSet gets an empty value.")
	case c.State == StateLeased:
		add("A GetOrSet waits for that load.")
	case c.State != StateRefused:
		add("A GetOrSet loads it.")
	}
}

// ofVersions names the versions of an empty value.
func ofVersions(versions []int) string {
	var names []string
	for _, v := range versions {
		if v == 0 {
			names = append(names, "the key without a version")
		} else {
			names = append(names, "version "+strconv.Itoa(v))
		}
	}
	if len(names) == 0 || len(names) == 1 && versions[0] == 0 {
		return ""
	}
	return " in " + strings.Join(names, " and ")
}

func forAWhile(ms *int64) string {
	switch {
	case ms == nil:
		return ""
	case *ms < 0:
		return ", for ever"
	}
	return ", for " + left(*ms) + " more"
}

func left(ms int64) string { return Span(time.Duration(ms) * time.Millisecond) }

func article(kind string) string {
	switch kind {
	case "zset":
		return "a sorted set"
	case "string", "hash", "list", "set", "stream":
		return "a " + kind
	}
	return "a value of the type " + Printable(kind)
}

func partsOf(kind string) string {
	switch kind {
	case "hash":
		return "field"
	case "stream":
		return "entry"
	}
	return "element"
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if stem, ok := strings.CutSuffix(word, "y"); ok {
		word = stem + "ie"
	}
	return strconv.FormatInt(n, 10) + " " + word + "s"
}
