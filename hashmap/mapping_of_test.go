package hashmap_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

type writeOnly struct{ _ int }

func (writeOnly) MarshalText() ([]byte, error) { return nil, nil }

// The functions below have half of the JSON or text methods.
type readOnly func()

func (*readOnly) UnmarshalJSON([]byte) error { return nil }

type writeOnlyFunc func()

func (writeOnlyFunc) MarshalText() ([]byte, error) { return nil, nil }

type channels struct{ C chan int }

// A list is recursive, which is no problem of JSON.
type list struct {
	Value int
	Next  *list `json:",omitempty"`
	_     chan int
	Hook  func() `json:"-"`
}

// A counter has JSON methods, which make what it is made of irrelevant.
type counter struct{ N chan int }

func (c counter) MarshalJSON() ([]byte, error) { return []byte(strconv.Itoa(cap(c.N))), nil }
func (c *counter) UnmarshalJSON(b []byte) error {
	n, err := strconv.Atoi(string(b))
	c.N = make(chan int, n)
	return err
}

// A Stamp loses its Zone in the methods of time.Time.
type Stamp struct {
	time.Time
	Zone string
}

// A Sum is a text, and has fields.
type Sum struct{ A, B int }

func (s Sum) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d+%d", s.A, s.B), nil }
func (s *Sum) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%d+%d", &s.A, &s.B)
	return err
}

type tree struct {
	Name string
	Left *tree `redis:"left_,inline"`
}

type Loop struct {
	ID int
	*Knot
}

type Knot struct{ *Loop }

type nested struct {
	Address struct {
		Geo complex64
		Pos map[string]int
	} `redis:",inline"`
}

func TestOfRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func() error
		want []string // a prefix and a way out, of each problem in turn
	}{
		{"chan", of[struct{ A chan int }], []string{"struct.A: a chan cannot", `redis:"-"`}},
		{"func", of[struct{ A func() }], []string{"struct.A: a func cannot", `redis:"-"`}},
		{"complex64", of[struct{ A complex64 }], []string{"struct.A: a complex64", `redis:"-"`}},
		{"complex128", of[struct{ A complex128 }], []string{"struct.A: a complex128", `redis:"-"`}},
		{"unsafe pointer", of[struct{ A unsafe.Pointer }], []string{"struct.A: a unsafe.Pointer", `redis:"-"`}},
		{"chan as json", of[struct {
			A *chan int `redis:",json"`
		}], []string{"struct.A: a chan cannot", `redis:"-"`}},
		{"func as msgpack", of[struct {
			A func() `redis:",msgpack"`
		}], []string{"struct.A: a func cannot", `redis:"-"`}},
		{"map", of[struct{ A map[string]int }], []string{"struct.A: ", "json or msgpack"}},
		{"slice", of[struct{ A []string }], []string{"struct.A: ", "json or msgpack"}},
		{"array", of[struct{ A [16]byte }], []string{"struct.A: ", "json or msgpack"}},
		{"interface", of[struct{ A any }], []string{"struct.A: ", "json or msgpack"}},
		{"error", of[struct{ A error }], []string{"struct.A: ", "json or msgpack"}},
		{"struct", of[struct{ A address }], []string{"struct.A: ", "inline, json or msgpack"}},
		{"pointer to struct", of[struct{ A *address }], []string{"struct.A: ", "inline, json or msgpack"}},
		{"pointer to pointer", of[struct{ A **int }], []string{"struct.A: a pointer to a pointer", "use one pointer"}},
		{"half of the text methods", of[struct{ A writeOnly }], []string{"struct.A: ", "UnmarshalText"}},
		{"path", of[nested], []string{"nested.Address.Geo: a complex64", `redis:"-"`, "nested.Address.Pos: ", "json or msgpack"}},
		{"pointer", of[*nested], []string{"nested.Address.Geo: a complex64", `redis:"-"`, "nested.Address.Pos: ", "json or msgpack"}},

		{"json of an interface with methods", of[struct {
			A error `redis:",json"`
		}], []string{"struct.A: a error", `redis:"-"`}},
		{"json deep", of[struct {
			A []struct {
				B, C func()
				D    int
				E    map[float64]*chan int
				f    func()
				G    func() `json:"-"`
			} `redis:",json"`
		}], []string{"struct.A: [].B: a func()", `json:"-"`, "struct.A: [].C: a func()", `json:"-"`, "struct.A: [].E: a map[float64]", `json:"-"`, "struct.A: [].E[]: a chan int", `json:"-"`}},

		{"json of methods that only read", of[struct {
			A map[string]readOnly `redis:",json"`
		}], []string{"struct.A: []: a hashmap_test.readOnly has no JSON form", `redis:"-"`}},
		{"json of methods that only write", of[struct {
			A map[string]writeOnlyFunc `redis:",json"`
		}], []string{"struct.A: []: a hashmap_test.writeOnlyFunc has no JSON form", `redis:"-"`}},
		{"json of an embedded, unexported struct", of[struct {
			A struct{ channels } `redis:",json"`
		}], []string{"struct.A: channels.C: a chan int has no JSON form", `json:"-"`}},
		{"json of a struct without exported fields", of[struct {
			A struct{ b int } `redis:",json"`
		}], []string{"struct.A: a struct { b int } has no exported field", `redis:"-"`}},
		{"msgpack deep", of[struct {
			A struct {
				B []func()
				C struct{ D complex64 }
			} `redis:",msgpack"`
		}], []string{"struct.A: ", `msgpack:"-"`, "struct.A: ", `msgpack:"-"`}},

		{"unknown option", of[struct {
			A int `redis:"a, omitempty"`
		}], []string{`struct.A: its tag has the unknown option " omitempty"`, "the options are"}},
		{"two forms", of[struct {
			A []int `redis:",json,msgpack"`
		}], []string{"struct.A: its tag asks for two forms", "keep one"}},
		{"inline and json", of[struct {
			A address `redis:",json,inline"`
		}], []string{"struct.A: its tag asks for two forms", "keep one"}},
		{"inline and omitempty", of[struct {
			A address `redis:",omitempty,inline"`
		}], []string{"struct.A: its tag joins", "put omitempty on the fields"}},
		{"embedded and omitempty", of[struct {
			Audit `redis:",omitempty"`
		}], []string{"struct.Audit: omitempty", "put it on the fields"}},
		{"inline of no struct", of[struct {
			A []int `redis:",inline"`
		}], []string{"struct.A: its tag says inline", "json or msgpack"}},
		{"inline of nothing", of[struct {
			ID int
			A  sync.Mutex `redis:",inline"`
		}], []string{"struct.A: ", "no exported field"}},
		{"unexported", of[struct {
			ID int
			a  int `redis:"a"`
		}], []string{"struct.a: an unexported field", "export it"}},
		{"unexported, tagged empty", of[struct {
			ID int
			a  int `redis:""`
		}], []string{"struct.a: an unexported field", "export it"}},
		{"unexported inline", of[struct {
			ID int
			a  address `redis:",inline"`
		}], []string{"struct.a: an unexported field", "export it"}},
		{"embedded, with text methods and fields", of[struct {
			ID int
			Sum
		}], []string{"struct.Sum: ", "inline"}},
		{"methods of an embedded type", of[struct{ At Stamp }], []string{"struct.At: codec: hashmap_test.Stamp is not stored whole: it embeds time.Time, whose AppendText", "inline"}},
		{"embedded, with methods of an embedded type", of[struct {
			Stamp `redis:"at"`
		}], []string{"struct.Stamp: codec: hashmap_test.Stamp is not stored whole", "inline"}},
		{"json of methods of an embedded type", of[struct {
			At []Stamp `redis:",json"`
		}], []string{"struct.At: []: a hashmap_test.Stamp is not stored whole: it embeds time.Time, whose MarshalJSON", "methods of its own"}},
		{"msgpack of methods of an embedded type", of[struct {
			At *Stamp `redis:",msgpack"`
		}], []string{"struct.At: ", "whose MarshalBinary writes that alone, so that Zone would be lost"}},

		{"duplicate", of[struct {
			A int `redis:"a"`
			B int `redis:"a"`
			C int `redis:"a"`
		}], []string{`struct.A and struct.B and struct.C are all stored as "a"`, "a name of its own"}},
		{"duplicate of a Go name", of[struct {
			A int
			B int `redis:"A"`
		}], []string{`struct.A and struct.B are all stored as "A"`, "a name of its own"}},
		{"inlined duplicate", of[struct {
			Street string
			A      address `redis:",inline"`
		}], []string{`struct.Street and struct.A.Street are all stored as "Street"`, "a name of its own"}},
		{"recursive", of[tree], []string{"tree.Left: a hashmap_test.tree is inlined in itself", "json or msgpack"}},
		{"recursive by embedding", of[Loop], []string{"Loop.Knot.Loop: a hashmap_test.Loop is inlined in itself", "json or msgpack"}},

		{"no fields", of[struct{}], []string{"struct has no exported field", "export one"}},
		{"no exported fields", of[sync.Mutex], []string{"Mutex has no exported field", "export one"}},
		{"number", of[int], []string{"type int is neither a struct", "codec.Text"}},
		{"pointer to pointer to struct", of[**Audit], []string{"type **hashmap_test.Audit is neither a struct", "codec.Text"}},
		{"any", of[any], []string{"type interface {} is neither a struct", "codec.Text"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.of()
			if err == nil {
				t.Fatal("no error")
			}
			problems := strings.Split(err.Error(), "\n")
			if len(problems) != len(c.want)/2 {
				t.Fatalf("%d problems, want %d:\n%v", len(problems), len(c.want)/2, err)
			}
			for i, p := range problems {
				if !strings.HasPrefix(p, "hashmap: "+c.want[2*i]) || !strings.Contains(p, c.want[2*i+1]) {
					t.Errorf("problem %d is\n%s\nwant hashmap: %s ... %s", i, p, c.want[2*i], c.want[2*i+1])
				}
			}
		})
	}
}

func TestJSONFields(t *testing.T) {
	type fields struct {
		List    list            `redis:",json"`
		ByUUID  map[uuid]int    `redis:",json"`
		ByLevel map[level][]any `redis:",json"`
		Text    string          `redis:",json"`
	}
	roundTrip(t, fields{List: list{Value: 1, Next: &list{Value: 2}}, ByUUID: map[uuid]int{{1, 2}: 3}, ByLevel: map[level][]any{4: {"five", nil}}, Text: "<\""},
		span{"List", `{"Value":1,"Next":{"Value":2}}`}, span{"ByUUID", `{"01-02":3}`}, span{"ByLevel", `{"4":["five",null]}`}, span{"Text", `"<\""`})

	type counted struct {
		Counter map[string]counter `redis:",json"`
	}
	m := hashmap.MustOf[counted]()
	v := counted{map[string]counter{"a": {make(chan int, 3)}}}
	if back := decode(t, m, encode(t, m, v)); cap(back.Counter["a"].N) != 3 {
		t.Errorf("a field with JSON methods comes back as %v", back)
	}
}

func TestJSONFieldsRefuseOffsetsWithSeconds(t *testing.T) {
	type fields struct {
		At []time.Time `redis:",json"`
	}
	v := fields{[]time.Time{time.Date(1930, 1, 1, 0, 0, 0, 0, time.FixedZone("AMT", 19*60+32))}}
	if err := hashmap.MustOf[fields]().Encode(new(codec.Wire), &v); err == nil || !strings.Contains(err.Error(), "fields.At: codec: JSON has no zone offset with seconds") {
		t.Errorf("error %v", err)
	}
}

func of[T any]() error {
	_, err := hashmap.Of[T]()
	return err
}

func TestOfReportsAllAtOnce(t *testing.T) {
	type bad struct {
		A chan int
		B []string
		C int  `redis:"c,omitempy"`
		D int  `redis:"d"`
		E int  `redis:"d"`
		F *bad `redis:",inline"`
	}
	err := of[bad]()
	for _, path := range []string{"bad.A: ", "bad.B: ", "bad.C: ", "bad.D and bad.E ", "bad.F: "} {
		if !strings.Contains(fmt.Sprint(err), "hashmap: "+path) {
			t.Errorf("%q is not in:\n%v", path, err)
		}
	}
}

func TestMustOfPanics(t *testing.T) {
	defer func() {
		if err, ok := recover().(error); !ok || !strings.Contains(err.Error(), "struct.A") {
			t.Errorf("recovered %v", err)
		}
	}()
	hashmap.MustOf[struct{ A chan int }]()
}

type Base struct {
	ID   int
	Name string
	Tags map[string]int // no form, but hidden where it is embedded below
}

type Mid struct {
	Base
	Name string
}

type hiding struct {
	Tags string
	Mid
	ID string
}

type Left struct{ X, Y int }
type Right struct{ X, Z int }

type settled struct {
	Left
	Right
	X string
}

func TestEmbeddedFieldsAreHiddenAsInGo(t *testing.T) {
	roundTrip(t, hiding{Tags: "t", Mid: Mid{Name: "mid"}, ID: "id"}, span{"Tags", "t"}, span{"Name", "mid"}, span{"ID", "id"})
	roundTrip(t, settled{Left{0, 1}, Right{0, 2}, "x"}, span{"Y", "1"}, span{"Z", "2"}, span{"X", "x"})
	err := of[struct {
		Left
		Right
	}]()
	if want := `hashmap: struct.Left.X and struct.Right.X are all stored as "X"`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("an ambiguous field: %v", err)
	}
}

type label string

type stamp struct{ time.Time }

type marker struct{ _ int }

func TestEmbedding(t *testing.T) {
	hops := 2
	type pointers struct {
		*origin
		*Audit
	}
	roundTrip(t, pointers{})
	roundTrip(t, pointers{origin: &origin{"s", &hops}}, span{"Source", "s"}, span{"Hops", "2"})
	roundTrip(t, pointers{Audit: &Audit{}}, span{"CreatedBy", ""}, span{"Revision", "0"})
	if v := decode(t, hashmap.MustOf[pointers](), wire("Hops", "1", "unknown", "1")); v.origin == nil || v.Audit != nil {
		t.Errorf("a hash with fields of one struct is read as %+v", v)
	}

	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	type timed struct {
		time.Time
		*time.Location `redis:"-"`
		label          // an unexported field that is no struct
	}
	if got := spans(encode(t, hashmap.MustOf[timed](), timed{Time: at, label: "l"})); !slices.Equal(got, []span{{"Time", "2024-01-02T03:04:05Z"}}) {
		t.Errorf("an embedded struct with text methods is stored as %q", got)
	}

	type summed struct {
		Sum `redis:"sum"`
	}
	roundTrip(t, summed{Sum{1, 2}}, span{"sum", "1+2"})
	type untagged struct{ Stamp } // has no text form, as that would lose Zone
	roundTrip(t, untagged{Stamp{at, "UTC"}}, span{"Time", "2024-01-02T03:04:05Z"}, span{"Zone", "UTC"})
	type spread struct {
		Stamp `redis:",inline"`
	}
	roundTrip(t, spread{Stamp{at, "UTC"}}, span{"Time", "2024-01-02T03:04:05Z"}, span{"Zone", "UTC"})

	type marked struct {
		marker // has nothing to inline, which is fine as no tag asks for it
		ID     int
	}
	roundTrip(t, marked{marker{}, 1}, span{"ID", "1"})

	type unexported struct{ stamp } // not a field itself, so that its fields are
	roundTrip(t, unexported{stamp{at}}, span{"Time", "2024-01-02T03:04:05Z"})

	type packed struct {
		Audit `redis:",json"`
	}
	roundTrip(t, packed{Audit{"ann", 1}}, span{"Audit", `{"CreatedBy":"ann","Revision":1}`})
}

// The structs on the way to the siblings D and E.
type (
	toA struct{ *A }
	A   struct{ *B }
	B   struct{ *C }
	C   struct {
		*D
		*E
	}
	D struct{ InD int }
	E struct{ InE string }
)

func TestDeepPointers(t *testing.T) {
	roundTrip(t, toA{&A{&B{&C{&D{1}, &E{"e"}}}}}, span{"InD", "1"}, span{"InE", "e"})
	roundTrip(t, toA{&A{&B{&C{nil, &E{"e"}}}}}, span{"InE", "e"})
	roundTrip(t, toA{})
}

func TestInline(t *testing.T) {
	type person struct {
		Name string
		Home address  `redis:"home.,inline"`
		Work *address `redis:"work.,inline"`
		Spot geo      `redis:",inline"`
	}
	roundTrip(t, person{Name: "ann", Home: address{Street: "a"}}, span{"Name", "ann"}, span{"home.Street", "a"}, span{"geohash", ""})
	roundTrip(t, person{Work: &address{"b", &geo{Hash: "u"}}, Spot: geo{Hash: "v"}},
		span{"Name", ""}, span{"home.Street", ""}, span{"work.Street", "b"}, span{"work.geohash", "u"}, span{"geohash", "v"})
}
