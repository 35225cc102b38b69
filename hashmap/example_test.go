package hashmap_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/hashmap"
)

// Address and User are the types of the package's documentation.
type Address struct {
	Street string `redis:"street"`
	City   string `redis:"city"`
}

type User struct {
	ID      int64         `redis:"id"`
	Name    string        `redis:"name"`
	Seen    time.Time     `redis:"seen,omitempty"`
	Tags    []string      `redis:"tags,json"`
	Address Address       `redis:"addr_,inline"`
	Session chan struct{} `redis:"-"`
}

var users = hashmap.MustOf[User]()

// show prints the hash that a value is stored as.
func show[T any](m *hashmap.Mapping[T], v T) {
	var w codec.Wire
	if err := m.Encode(&w, &v); err != nil {
		fmt.Println(err)
		return
	}
	for i := range w.Len() {
		fmt.Printf("%s: %s\n", w.Name(i), w.Value(i))
	}
}

func Example() {
	show(users, User{ID: 42, Name: "Ann", Tags: []string{"admin"}, Address: Address{"High St", "York"}})
	// Output:
	// id: 42
	// name: Ann
	// tags: ["admin"]
	// addr_street: High St
	// addr_city: York
}

func ExampleOf() {
	type Point struct{ X, Y float64 }
	points, err := hashmap.Of[Point]()
	if err != nil {
		fmt.Println(err)
		return
	}
	show(points, Point{1.5, -2})

	type Broken struct {
		Next  func()
		Sizes []int
	}
	_, err = hashmap.Of[Broken]()
	fmt.Println(err)
	// Output:
	// X: 1.5
	// Y: -2
	// hashmap: Broken.Next: a func cannot be stored; leave it out with `redis:"-"`
	// hashmap: Broken.Sizes: codec: []int has no text form; give it MarshalText and UnmarshalText, or use Msgpack or JSON; or tag it json or msgpack, or leave it out with `redis:"-"`
}

func ExampleUseTag() {
	type Address struct { // tagged for an API, say
		Street string `json:"street"`
	}
	type User struct {
		ID      int64   `json:"id,string"`
		Name    string  `json:"name,omitempty"`
		Address Address `json:"address"`
		Token   string  `json:"-"`
	}
	show(hashmap.MustOf[User](hashmap.UseTag("json")), User{ID: 42, Address: Address{"High St"}, Token: "x"})
	// Output:
	// id: 42
	// address: {"street":"High St"}
}

func ExampleMapping_Decode() {
	// What another program wrote: in its order, with a field that User does not have.
	var w codec.Wire
	w.Add([]byte("name"), []byte("Ann"))
	w.Add([]byte("shoe_size"), []byte("38"))
	w.Add([]byte("id"), []byte("42"))
	w.Add([]byte("tags"), []byte(`["a"]`))
	w.Add([]byte("addr_street"), []byte("Main"))

	var u User
	fmt.Println(errors.Is(users.Decode(&w, &u), codec.ErrOutdated)) // without addr_city

	w.Add([]byte("addr_city"), []byte("Ulm"))
	fmt.Println(users.Decode(&w, &u), u.ID, u.Name, u.Seen.IsZero())

	w.Add([]byte("id"), []byte("forty-two"))
	fmt.Println(users.Decode(&w, &u))
	// Output:
	// true
	// <nil> 42 Ann true
	// hashmap: User.ID: codec: the stored text cannot be read as int64: it is no decimal number
}

func ExampleFieldOf() {
	name, err := hashmap.FieldOf[string](users, "name")
	if err != nil {
		fmt.Println(err)
		return
	}
	var s string
	fmt.Println(name.Into(&s).ParseField([]byte("Ann")), s)

	b, ok, err := name.To("Bob").AppendField(nil)
	fmt.Printf("%s %v %v\n", b, ok, err)

	_, err = hashmap.FieldOf[string](users, "id")
	fmt.Println(err)
	// Output:
	// <nil> Ann
	// Bob true <nil>
	// hashmap: User.ID, stored as "id", is of type int64 and not string; call FieldOf[int64]
}

func Example_inline() {
	type Person struct {
		Address          // embedded: inlined
		Work    *Address `redis:"work_,inline"`
		Holiday *Address `redis:"holiday_,inline"` // nil: no fields
	}
	show(hashmap.MustOf[Person](), Person{Address: Address{"High St", "York"}, Work: &Address{"Low St", "Leeds"}})
	// Output:
	// street: High St
	// city: York
	// work_street: Low St
	// work_city: Leeds
}

func Example_omitempty() {
	type Visit struct {
		Page  string    `redis:"page"`
		Count int       `redis:"count,omitempty"`
		Last  time.Time `redis:"last,omitempty"`
		Score *int      `redis:"score"` // a pointer tells no score from a score of 0
	}
	none := 0
	show(hashmap.MustOf[Visit](), Visit{Page: "/", Score: &none})
	show(hashmap.MustOf[Visit](), Visit{Page: "/help", Count: 2})
	// Output:
	// page: /
	// score: 0
	// page: /help
	// count: 2
}

func Example_json() {
	type Product struct {
		Name   string            `redis:"name"`
		Labels map[string]string `redis:"labels,json"`
		Sizes  []int             `redis:"sizes,json,omitempty"`
	}
	show(hashmap.MustOf[Product](), Product{Name: "shoe", Labels: map[string]string{"color": "red"}})
	// Output:
	// name: shoe
	// labels: {"color":"red"}
}

func Example_msgpack() {
	type Curve struct {
		Name   string `redis:"name"`
		Points []int  `redis:"points,msgpack"`
	}
	var w codec.Wire
	curves := hashmap.MustOf[Curve]()
	if err := curves.Encode(&w, &Curve{"arc", []int{1, 2, 3}}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s: %x\n", w.Name(1), w.Value(1))
	// Output:
	// points: 93010203
}
