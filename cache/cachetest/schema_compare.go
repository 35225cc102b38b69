package cachetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/asidecache/aside/codec"
)

// A change is a difference in what two versions of a program store.
type change struct {
	what    string  // the beginning of a sentence: field credit is new
	is, was reading // of the new and of the running version, of each other's entries
}

// compare returns the changes from the description of the running version to the new one's.
func compare(was, is description) []change {
	c := comparison{seen: map[[2]*codec.Schema]bool{}}
	if was.redis != is.redis {
		c.add(fmt.Sprintf("the Redis type is %s, and was %s", is.redis, was.redis), findsBroken, findsBroken)
		return c.changes
	}
	c.place(rootPath, "", was.value, is.value)
	return c.changes
}

type comparison struct {
	changes []change
	seen    map[[2]*codec.Schema]bool // types may be recursive
}

func (c *comparison) add(what string, is, was reading) {
	c.changes = append(c.changes, change{what, is, was})
}

// place compares what stands at a path, in what stands around it in the encoding.
func (c *comparison) place(path, encoding string, was, is *codec.Schema) {
	if was == nil || is == nil {
		return
	}
	was, wasCodec, wasNil := behind(was, encoding)
	is, isCodec, isNil := behind(is, encoding)
	if wasCodec != isCodec {
		what := fmt.Sprintf("%s is stored as %s, and was as %s", naming(path), orNone(isCodec), orNone(wasCodec))
		c.add(what, recoded(wasCodec, was, isCodec, is), recoded(isCodec, is, wasCodec, was))
		return
	}
	switch {
	case wasNil && !isNil:
		c.add(naming(path)+" cannot be nil any more", readsNil, readsAll)
	case isNil && !wasNil:
		c.add(naming(path)+" can be nil", readsAll, readsNil)
	}
	pair := [2]*codec.Schema{was, is}
	if c.seen[pair] {
		return
	}
	c.seen[pair] = true
	if was.Type != is.Type {
		isReads, wasReads := retyped(encodingOf(isCodec), was.Type, is.Type), retyped(encodingOf(isCodec), is.Type, was.Type)
		c.add(fmt.Sprintf("%s is of type %s, and was of type %s", naming(path), is.Type, was.Type), isReads, wasReads)
		if isReads != readsAll && wasReads != readsAll {
			return
		}
	}
	keys := isCodec
	if encodingOf(keys) == "json" { // whose keys are texts
		keys = "text"
	}
	c.place(path+"[key]", keys, was.Key, is.Key)
	c.place(path+"[]", isCodec, was.Elem, is.Elem)
	if was.Type == "tuple" && is.Type == "tuple" {
		c.tuple(path, isCodec, was.Fields, is.Fields)
	} else {
		c.fields(path, isCodec, was, is)
	}
}

// behind returns what s points to, its encoding, and whether there can be nil in its place.
func behind(s *codec.Schema, encoding string) (*codec.Schema, string, bool) {
	own, isNil := s.Codec, false
	for s.Type == "pointer" && s.Elem != nil {
		s, isNil = s.Elem, true
		own = cmp.Or(own, s.Codec)
	}
	return s, cmp.Or(own, encoding), isNil
}

// fields compares structs, whose fields are found by name.
func (c *comparison) fields(path, encoding string, was, is *codec.Schema) {
	var gone, added []codec.SchemaField
	for _, f := range was.Fields {
		if g, ok := find(is.Fields, f.Name); ok {
			c.field(path+"."+fieldName(f.Name), encoding, f, g)
		} else {
			gone = append(gone, f)
		}
	}
	for _, g := range is.Fields {
		if _, ok := find(was.Fields, g.Name); !ok {
			added = append(added, g)
		}
	}
	for _, g := range added {
		f, ok := c.renamed(encodingOf(encoding), g, gone, added)
		if !ok {
			c.added(path, g)
			continue
		}
		gone = slices.DeleteFunc(gone, func(o codec.SchemaField) bool { return o.Name == f.Name })
		c.rename(path, encoding, f, g)
	}
	for _, f := range gone {
		c.add(naming(path+"."+fieldName(f.Name))+" is gone", ignores, lacking(f))
	}
}

func (c *comparison) added(path string, f codec.SchemaField) {
	what := naming(path+"."+fieldName(f.Name)) + " is new"
	c.add(what, lacking(f), ignores)
}

// lacking returns what a version with the field f makes of entries without it.
func lacking(f codec.SchemaField) reading {
	if f.Optional {
		return readsZero
	}
	return findsOutdated
}

func find(fields []codec.SchemaField, name string) (codec.SchemaField, bool) {
	i := slices.IndexFunc(fields, func(f codec.SchemaField) bool { return f.Name == name })
	if i < 0 {
		return codec.SchemaField{}, false
	}
	return fields[i], true
}

// field compares a field that both versions have.
func (c *comparison) field(path, encoding string, was, is codec.SchemaField) {
	switch {
	case was.Optional && !is.Optional:
		c.add(naming(path)+" is not optional any more", findsOutdated, readsAll)
	case is.Optional && !was.Optional:
		c.add(naming(path)+" is optional", readsAll, findsOutdated)
	}
	c.place(path, encoding, was.Schema, is.Schema)
}

// renamed returns the field that g may have been: one that either version reads as the other, or
// the only one of its type that is gone, where g is the only one of that type that is new.
func (c *comparison) renamed(encoding string, g codec.SchemaField, gone, added []codec.SchemaField) (codec.SchemaField, bool) {
	for _, f := range gone {
		if g.Alias == f.Name || f.Alias == g.Name || encoding == "json" && strings.EqualFold(f.Name, g.Name) {
			return f, true
		}
	}
	like := func(fields []codec.SchemaField) (found []codec.SchemaField) {
		for _, f := range fields {
			if f.Optional == g.Optional && same(f.Schema, g.Schema) {
				found = append(found, f)
			}
		}
		return found
	}
	if from := like(gone); len(from) == 1 && len(like(added)) == 1 {
		return from[0], true
	}
	return codec.SchemaField{}, false
}

// same reports whether nothing changes from one Schema to the other.
func same(was, is *codec.Schema) bool {
	c := comparison{seen: map[[2]*codec.Schema]bool{}}
	c.place("", "", was, is)
	return len(c.changes) == 0
}

func (c *comparison) rename(path, encoding string, was, is codec.SchemaField) {
	what := fmt.Sprintf("%s seems to be renamed to %s", naming(path+"."+fieldName(was.Name)), fieldName(is.Name))
	isReads, wasReads := lacking(is), lacking(was)
	if encodingOf(encoding) == "json" && strings.EqualFold(was.Name, is.Name) {
		isReads, wasReads = readsAll, readsAll
	}
	if is.Alias == was.Name {
		isReads = readsAll
	}
	if was.Alias == is.Name {
		wasReads = readsAll
	}
	c.add(what, isReads, wasReads)
	if isReads == readsAll || wasReads == readsAll {
		c.field(path+"."+fieldName(is.Name), encoding, was, is)
	}
}

// tuple compares structs whose fields are found by their order.
func (c *comparison) tuple(path, encoding string, was, is []codec.SchemaField) {
	for i := range min(len(was), len(is)) {
		if was[i].Name != is[i].Name {
			c.add(fmt.Sprintf("%s has other fields from place %d on, where it had %s", naming(path), i+1, fieldName(was[i].Name)), readsAnother, readsAnother)
			return
		}
	}
	for i := range min(len(was), len(is)) {
		c.place(path+"."+fieldName(is[i].Name), encoding, was[i].Schema, is[i].Schema)
	}
	longer, had := is, len(was)
	if len(was) > len(is) {
		longer, had = was, len(is)
	}
	if len(longer) == had {
		return
	}
	f := longer[had]
	name, lacks := naming(path+"."+fieldName(f.Name)), lacking(f)
	if f.Optional && had > 0 { // by MissingFieldsAreZero, which takes an array for whole or empty
		lacks = findsBroken
	}
	if len(is) > len(was) {
		c.add(name+" is new in a struct that is stored by order", lacks, findsBroken)
	} else {
		c.add(name+" is gone from a struct that is stored by order", findsBroken, lacks)
	}
}

// naming names a path in a sentence.
func naming(path string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, rootPath), ".")
	if rest == "" {
		return "the value"
	}
	for end, what := range map[string]string{"[]": "each element", "[key]": "each key"} {
		if of, ok := strings.CutSuffix(rest, end); ok {
			if of == "" {
				return what
			}
			return what + " of " + of
		}
	}
	return "field " + rest
}

func orNone(encoding string) string { return cmp.Or(encoding, "another encoding") }
