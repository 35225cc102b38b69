package codec_test

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/asidecache/aside/codec"
)

func ExampleMsgpack() {
	type City struct {
		Name   string
		People int      `msgpack:"people"`
		Sights []string `msgpack:"sights,omitempty"`
	}
	cities := codec.Msgpack[City]()
	b := set(cities, "k", City{Name: "Ulm", People: 126_000})
	fmt.Printf("%q\n", b)

	// The library reads it, and what the library wrote is read.
	var city City
	if err := msgpack.Unmarshal(b, &city); err != nil {
		panic(err)
	}
	city.Sights = []string{"Minster"}
	if b, _ = msgpack.Marshal(city); b != nil {
		fmt.Println(get(cities, "k", b))
	}

	// Bytes that lie about their length are an error, at once.
	_, err := get(cities, "k", []byte("\x81\xa6sights\xdd\xff\xff\xff\xff"))
	fmt.Println(err)
	// Output:
	// "\x82\xa4Name\xa3Ulm\xa6people\xce\x00\x01\xec0"
	// {Ulm 126000 [Minster]} <nil>
	// codec: the stored bytes are no MessagePack of type codec_test.City: they end in the middle of a value
}

func ExamplePackedOf() {
	scores := []int8{1, 2, 3}
	form, err := codec.PackedOf(reflect.TypeOf(scores))
	if err != nil {
		panic(err)
	}
	b, err := form.Append(nil, unsafe.Pointer(&scores))
	fmt.Printf("%x %v\n", b, err)
	fmt.Println(form.Parse([]byte("\x91\xcd\x01\x2c"), unsafe.Pointer(&scores)))

	_, err = codec.PackedOf(reflect.TypeFor[struct{ Events chan int }]())
	fmt.Println(err)
	// Output:
	// 93d001d002d003 <nil>
	// codec: the stored bytes are no MessagePack of type []int8: a number is out of the range of the type
	// codec: MessagePack cannot hold struct { Events chan int }.Events (chan int): leave the field out with the tag `msgpack:"-"`, or give the type MarshalBinary and UnmarshalBinary
}
