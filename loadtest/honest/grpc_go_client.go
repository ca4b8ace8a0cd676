// grpc-go against examples/grpc_echo: every call must end well, however fast it goes.
//
// Usage: grpc_go_client HOST:PORT SECONDS
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const methods = "/lanner.Echo/"

// raw passes messages on as bytes.
type raw struct{}

func (raw) Marshal(v interface{}) ([]byte, error)      { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v interface{}) error { *v.(*[]byte) = append([]byte{}, data...); return nil }
func (raw) Name() string                               { return "raw" }
func (raw) String() string                             { return "raw" }

type counts struct{ unary, download, upload, chat, cancelled int64 }

func unary(c *grpc.ClientConn, until time.Time, n *counts) error {
	for time.Now().Before(until) {
		message := bytes.Repeat([]byte{'u'}, int(n.unary%3000))
		var answer []byte
		if err := c.Invoke(context.Background(), methods+"Unary", &message, &answer); err != nil {
			return err
		}
		if !bytes.Equal(message, answer) {
			return fmt.Errorf("a wrong answer")
		}
		atomic.AddInt64(&n.unary, 1)
	}
	return nil
}

func open(c *grpc.ClientConn, ctx context.Context, method string, count, size uint32) (grpc.ClientStream, error) {
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, methods+method)
	if err != nil {
		return nil, err
	}
	message := make([]byte, 8)
	binary.BigEndian.PutUint32(message, count)
	binary.BigEndian.PutUint32(message[4:], size)
	if err := stream.SendMsg(&message); err != nil && err != io.EOF {
		return nil, err
	}
	return stream, stream.CloseSend()
}

// download keeps the estimator of bandwidth busy: a PING with the first DATA after each answer.
func download(c *grpc.ClientConn, until time.Time, n *counts) error {
	for time.Now().Before(until) {
		stream, err := open(c, context.Background(), "Download", 2000, 20000)
		if err != nil {
			return err
		}
		for {
			var message []byte
			if err := stream.RecvMsg(&message); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			atomic.AddInt64(&n.download, 1)
		}
	}
	return nil
}

// upload sends messages of eight bytes, as fast as they go.
func upload(c *grpc.ClientConn, until time.Time, n *counts) error {
	message := []byte("8 bytes.")
	for time.Now().Before(until) {
		stream, err := c.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true}, methods+"Upload")
		if err != nil {
			return err
		}
		sent := uint64(0)
		for sent < 100000 && time.Now().Before(until) {
			if err := stream.SendMsg(&message); err != nil {
				break // The reason comes with the answer.
			}
			sent++
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		var answer []byte
		if err := stream.RecvMsg(&answer); err != nil {
			return err
		}
		if got := binary.BigEndian.Uint64(answer); got != sent {
			return fmt.Errorf("%d messages of %d arrived", got, sent)
		}
		atomic.AddInt64(&n.upload, int64(sent))
	}
	return nil
}

// chat sends a message each way in turn, in one stream, with a pause now and then.
func chat(c *grpc.ClientConn, until time.Time, n *counts) error {
	both := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := c.NewStream(context.Background(), both, methods+"Chat")
	if err != nil {
		return err
	}
	for time.Now().Before(until) {
		message := make([]byte, 8)
		binary.BigEndian.PutUint64(message, uint64(n.chat))
		if err := stream.SendMsg(&message); err != nil && err != io.EOF {
			return err
		}
		var answer []byte
		if err := stream.RecvMsg(&answer); err != nil {
			return err
		}
		if !bytes.Equal(message, answer) {
			return fmt.Errorf("a wrong answer")
		}
		if atomic.AddInt64(&n.chat, 1)%5000 == 0 {
			time.Sleep(8 * time.Second)
		}
	}
	return stream.CloseSend()
}

// cancel does what a user interface does that is flipped through: most calls are given up.
func cancel(c *grpc.ClientConn, until time.Time, n *counts) error {
	for time.Now().Before(until) {
		ctx, giveUp := context.WithCancel(context.Background())
		for i := 0; i < 20; i++ {
			if _, err := open(c, ctx, "Download", 50, 2000); err != nil {
				giveUp()
				return err
			}
		}
		time.Sleep(10 * time.Millisecond)
		giveUp()
		message, answer := []byte("kept"), []byte(nil)
		if err := c.Invoke(context.Background(), methods+"Unary", &message, &answer); err != nil {
			return fmt.Errorf("the call that was kept: %w", err)
		}
		atomic.AddInt64(&n.cancelled, 20)
	}
	return nil
}

func main() {
	address := os.Args[1]
	seconds, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		panic(err)
	}
	// All in one connection: what one does must not end the others.
	connection, err := grpc.Dial(address, grpc.WithInsecure(), grpc.WithBlock(),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
	if err != nil {
		panic(err)
	}
	started := time.Now()
	until := started.Add(time.Duration(seconds * float64(time.Second)))
	var n counts
	var all sync.WaitGroup
	var failed int32
	for name, work := range map[string]func(*grpc.ClientConn, time.Time, *counts) error{
		"unary": unary, "download": download, "upload": upload, "chat": chat, "cancel": cancel,
	} {
		name, work := name, work
		all.Add(1)
		go func() {
			defer all.Done()
			if err := work(connection, until, &n); err != nil {
				atomic.StoreInt32(&failed, 1)
				fmt.Printf("FAILED %s after %.1f s: %v (%v)\n", name, time.Since(started).Seconds(), err, codes.Code(status.Code(err)))
			}
		}()
	}
	all.Wait()
	fmt.Printf("grpc-go unary %d, download %d, upload %d, chat %d, cancelled %d\n",
		n.unary, n.download, n.upload, n.chat, n.cancelled)
	if failed != 0 || n.unary == 0 || n.download == 0 || n.upload == 0 || n.chat == 0 || n.cancelled == 0 {
		os.Exit(1)
	}
}
