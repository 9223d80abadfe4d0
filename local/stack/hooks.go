package stack

import (
	"time"

	"kaiwa/local/faults"
	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/converse"
	"kaiwa/pkg/emu/ddb"
	"kaiwa/pkg/emu/lambdart"
)

// A post that times out is answered only after every client has given up.
const neverInTime = 29 * time.Second

// postFault decides about one post. Every fault counts every post; of several
// that hit, the first here wins.
func (s *Stack) postFault(connection string) apigw.Fault {
	f := apigw.Fault{Delay: s.dice.Delay(faults.PostDelay)}
	gone, throttled := s.dice.Hit(faults.Post410), s.dice.Hit(faults.Post429)
	failed, late := s.dice.Hit(faults.Post500), s.dice.Hit(faults.PostTimeout)
	switch {
	case gone:
		f.Status = 410
	case throttled:
		f.Status = 429
	case failed:
		f.Status = 500
	case late:
		f.Status, f.DeliverAnyway, f.Delay = 504, true, neverInTime
	case s.opt.Accepts != nil && s.opt.Accepts(connection):
		f.Status = 200
	}
	return f
}

func (s *Stack) cutFault(string) bool { return s.dice.Hit(faults.SocketCut) }

func (s *Stack) invokeFault(_ string, async bool) lambdart.Fault {
	return lambdart.Fault{
		Delay:     s.dice.Delay(faults.InvokeDelay),
		Kill:      s.dice.Hit(faults.InvokeKill),
		Duplicate: async && s.dice.Hit(faults.InvokeDuplicate),
	}
}

func (s *Stack) modelFault() error {
	if s.dice.Hit(faults.ModelThrottle) {
		return &converse.Error{Exception: converse.Throttling, Message: "Too many requests, please wait before trying again."}
	}
	return nil
}

func (s *Stack) tableOptions() *ddb.Options {
	return &ddb.Options{Region: s.opt.Region, AccountID: account, Logger: s.opt.Logger, Faults: s.tableFault, FaultsAfter: s.tableFaultAfter}
}

func (s *Stack) tableFault(string, string) error {
	throttled, failed := s.dice.Hit(faults.TableThrottle), s.dice.Hit(faults.Table500)
	switch {
	case throttled:
		return ddb.Throttle
	case failed:
		return ddb.Unavailable
	}
	return nil
}

func (s *Stack) tableFaultAfter(string, string) error {
	if s.dice.Hit(faults.TableLost) {
		return ddb.Unavailable
	}
	return nil
}
