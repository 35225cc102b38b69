package cachetest

import (
	"fmt"
	"strings"
)

// report has a sentence for each change, and one that sums up.
func report(changes []change) string {
	var text strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&text, "\t%s\n", c)
	}
	fmt.Fprintf(&text, "%s\n", summary(changes))
	return text.String()
}

// String returns the sentence of the change.
func (c change) String() string {
	var says []string
	if c.is == c.was {
		says = append(says, c.is.sentence("each version", "the other"))
	} else {
		says = append(says, c.is.sentence("the new version", "the running one"), c.was.sentence("the running version", "the new one"))
	}
	text := c.what + ": " + strings.Trim(strings.Join(says, "; "), "; ")
	if advice := advice(c.is, c.was); advice != "" {
		text += ": " + advice
	}
	return text
}

// sentence says what one version does with entries of the other, empty where it just reads them
// and the other does not.
func (r reading) sentence(version, other string) string {
	switch r {
	case ignores:
		return version + " ignores it"
	case readsZero:
		return version + " reads it as zero from entries without it"
	case readsNil:
		return version + " reads nil as zero"
	case readsFitting:
		return fmt.Sprintf("%s reads values that fit, and finds other entries broken and loads them anew", version)
	case findsOutdated:
		return version + " finds entries without it outdated and loads them anew"
	case findsBroken:
		return fmt.Sprintf("%s finds entries of %s broken and loads them anew", version, other)
	case readsAnother:
		return fmt.Sprintf("%s finds entries of %s broken, or reads another value", version, other)
	}
	return fmt.Sprintf("%s reads entries of %s", version, other)
}

// advice says whether a change that both versions read so needs another Version.
func advice(is, was reading) string {
	readings := [...]reading{is, was}
	any := func(r reading) bool { return readings[0] == r || readings[1] == r }
	switch {
	case any(readsAnother), is.misses() && was.misses():
		return "set Version"
	case any(readsZero), any(readsNil):
		return "set Version if zero is wrong"
	}
	return ""
}

// misses reports whether entries are loaded anew.
func (r reading) misses() bool { return r == findsOutdated || r == findsBroken || r == readsFitting }

// summary says what becomes of the entries under all the changes.
func summary(changes []change) string {
	var is, was, zero, another bool
	for _, c := range changes {
		is, was = is || c.is.misses(), was || c.was.misses()
		for _, r := range [...]reading{c.is, c.was} {
			zero = zero || r == readsZero || r == readsNil
			another = another || r == readsAnother
		}
	}
	switch {
	case another:
		return "Set Version: one version may read what the other has stored as another value."
	case is && was:
		return "Set Version: until the deploy is over, each version loads anew what the other has stored."
	case zero:
		return "Set Version if zero is wrong."
	case is:
		return "Version can stay: the new version loads such entries once, and both versions read what it stores."
	case was:
		return "Version can stay: the running version loads such entries once, and both versions read what it stores."
	}
	return "Version can stay: each version reads the entries of the other."
}
