package conformtest

import "net"

// wire changes what is written to the connections it accepts.
type wire struct {
	net.Listener
	change func([]byte) []byte
}

func (w *wire) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &changed{c, w.change}, nil
}

type changed struct {
	net.Conn
	change func([]byte) []byte
}

func (c *changed) Write(p []byte) (int, error) {
	if _, err := c.Conn.Write(c.change(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
