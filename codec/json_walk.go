package codec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// JSONProblems lists what encoding/json cannot read back of a t as it was: what it does not
// write, does not read, or silently leaves out. Each problem begins with the path to
// it, as in Meta.Hooks[]. The tag, if it is not empty, is the key of the struct tag that
// leaves out the t as a whole.
func JSONProblems(t reflect.Type, tag string) []error {
	w := jsonWalk{tag: tag, seen: map[jsonPlace]bool{}}
	w.walk(t, true, "")
	return w.problems
}

// A jsonPlace is a type and whether json calls methods of its pointer when it writes.
type jsonPlace struct {
	t           reflect.Type
	addressable bool
}

type jsonWalk struct {
	tag      string
	seen     map[jsonPlace]bool // types can be recursive
	problems []error
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (w *jsonWalk) walk(t reflect.Type, addressable bool, path string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Array, reflect.Struct:
		place := jsonPlace{t, addressable}
		if w.seen[place] {
			return
		}
		w.seen[place] = true
	}
	switch {
	case t.Kind() == reflect.Interface:
		if t.NumMethod() > 0 {
			w.report(path, t, "does not say which type its JSON is to be read as")
		}
	case pointsToItself(t):
		w.report(path, t, "points to nothing but itself")
	case t.Kind() == reflect.Pointer:
		w.walk(t.Elem(), true, path)
	case !w.methods(t, addressable, path):
		w.kind(t, addressable, path)
	}
}

// pointsToItself reports whether pointers of type t lead to nothing but pointers.
func pointsToItself(t reflect.Type) bool {
	for range maxDepth {
		if t.Kind() != reflect.Pointer {
			return false
		}
		t = t.Elem()
	}
	return true
}

// methods handles a t that has methods of its own for writing or reading, and reports
// whether it did.
func (w *jsonWalk) methods(t reflect.Type, addressable bool, path string) bool {
	pointer, writer := reflect.PointerTo(t), t
	if addressable {
		writer = pointer
	}
	method := "MarshalText"
	if writer.Implements(jsonMarshaler) {
		method = "MarshalJSON"
	}
	writes := method == "MarshalJSON" || writer.Implements(textMarshaler)
	readsJSON, readsText := pointer.Implements(jsonUnmarshaler), pointer.Implements(textUnmarshaler)
	switch {
	case writes && !readsJSON && !readsText:
		w.report(path, t, "has no JSON form that is read back: its method only writes")
	case !writes && readsText && !readsJSON && t.Kind() != reflect.String:
		w.report(path, t, "has no JSON form that UnmarshalText reads: no method writes it here")
	case writes:
		err := promotionLoss(t, method, func(f reflect.StructField) bool { return f.Tag.Get("json") == "-" })
		if err != nil {
			w.problem(path, "a %v is not stored whole: %w", t, err)
		}
	default:
		return false // a type may be written by its kind and read by UnmarshalJSON
	}
	return true
}

func (w *jsonWalk) kind(t reflect.Type, addressable bool, path string) {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		w.report(path, t, "has no JSON form")
	case reflect.Map:
		if !isJSONKey(t.Key()) {
			w.report(path, t, "has keys that are no JSON keys")
		}
		w.walk(t.Elem(), false, path+"[]")
	case reflect.Slice:
		w.walk(t.Elem(), true, path+"[]")
	case reflect.Array:
		w.walk(t.Elem(), addressable, path+"[]")
	case reflect.Struct:
		w.fields(t, addressable, path)
	}
}

// isJSONKey reports whether json reads the keys of type t as it writes them.
func isJSONKey(t reflect.Type) bool {
	writes, reads := t.Implements(textMarshaler), reflect.PointerTo(t).Implements(textUnmarshaler)
	switch t.Kind() {
	case reflect.String: // is written as it is, whatever its methods
		return true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return writes == reads
	case reflect.Interface:
		return false
	}
	return writes && reads
}

// A jsonField is a field that json may write, or hide behind another of its name.
type jsonField struct {
	name, path  string
	typ         reflect.Type
	tagged      bool
	addressable bool
	depth       int
	always      bool // it is written whatever the value is
	quoted      bool // the tag has the option string
}

// userinfo has no exported field. A url.URL is accepted for all that: most have none.
var userinfo = reflect.TypeFor[url.Userinfo]()

func (w *jsonWalk) fields(t reflect.Type, addressable bool, path string) {
	exported := slices.ContainsFunc(reflect.VisibleFields(t), reflect.StructField.IsExported)
	if !exported && t.Size() > 0 && t != userinfo {
		w.report(path, t, "has no exported field, so that nothing of it would be stored")
		return
	}
	byName := map[string][]jsonField{}
	var names []string
	for _, f := range w.list(nil, t, addressable, true, path, nil) {
		if byName[f.name] == nil {
			names = append(names, f.name)
		}
		byName[f.name] = append(byName[f.name], f)
	}
	for _, name := range names {
		if same := dominant(byName[name]); len(same) == 1 {
			w.walk(same[0].typ, same[0].addressable, same[0].path)
		} else {
			w.problem(same[0].path, "%s has the JSON name %q too, and neither would be stored; give each a name of its own in its json tag, or `json:\"-\"`",
				strings.TrimPrefix(same[1].path, "."), name)
		}
	}
}

// list appends the fields of t and of the structs embedded in it, which within leads to. always
// says that there is a t in whatever is written.
func (w *jsonWalk) list(all []jsonField, t reflect.Type, addressable, always bool, path string, within []reflect.Type) []jsonField {
	if slices.Contains(within, t) {
		return all // its fields are hidden by those further out
	}
	within = append(within, t)
	for f := range t.Fields() {
		elem, pointer := f.Type, f.Type.Kind() == reflect.Pointer
		if pointer && f.Anonymous {
			elem = elem.Elem()
		}
		embedded := f.Anonymous && elem.Kind() == reflect.Struct
		tag := f.Tag.Get("json")
		if tag == "-" || !f.IsExported() && !embedded {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if !isJSONName(name) {
			name = ""
		}
		at := path + "." + f.Name
		switch {
		case embedded && pointer && !f.IsExported():
			w.report(at, f.Type, "is embedded and unexported, so that it cannot be set when it is read")
		case embedded && name == "":
			all = w.list(all, elem, addressable || pointer, always && !pointer, at, within)
		default:
			field := jsonField{
				name, at, f.Type, name != "", addressable, len(within),
				always && !omits(options), hasOption(options, "string"),
			}
			if name == "" {
				field.name = f.Name
			}
			all = append(all, field)
		}
	}
	return all
}

// isJSONName reports whether json uses a name in a tag.
func isJSONName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// omits reports whether the options of a tag leave out some values.
func omits(options string) bool {
	return hasOption(options, "omitempty") || hasOption(options, "omitzero")
}

func hasOption(options, option string) bool {
	return slices.Contains(strings.Split(options, ","), option)
}

// dominant returns those of the fields of one name that hide the others: one, unless json
// drops them all.
func dominant(fields []jsonField) []jsonField {
	least := slices.MinFunc(fields, func(a, b jsonField) int { return a.depth - b.depth }).depth
	var top, tagged []jsonField
	for _, f := range fields {
		if f.depth == least {
			top = append(top, f)
			if f.tagged {
				tagged = append(tagged, f)
			}
		}
	}
	if tagged != nil {
		return tagged
	}
	return top
}

func (w *jsonWalk) report(path string, t reflect.Type, what string) {
	tag := w.tag
	if strings.Contains(path, ".") {
		tag = "json"
	}
	out := ""
	if tag != "" {
		out = fmt.Sprintf(", or leave it out with `%s:\"-\"`", tag)
	}
	w.problem(path, "a %v %s; give it MarshalJSON and UnmarshalJSON%s", t, what, out)
}

func (w *jsonWalk) problem(path, format string, args ...any) {
	if path = strings.TrimPrefix(path, "."); path != "" {
		path += ": "
	}
	w.problems = append(w.problems, fmt.Errorf("%s%w", path, fmt.Errorf(format, args...)))
}
