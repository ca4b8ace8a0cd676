//! The rate at which a peer must take responses: the server's, a response's own, and what holds
//! where several share a block.

use super::*;
use crate::features::MinResponseDataRate;
use crate::http::ResponseError;
use crate::limits::DataRate;

const STRICT: DataRate = DataRate {
    bytes_per_second: 1000,
    grace: Duration::from_secs(2),
};

const LENIENT: DataRate = DataRate {
    bytes_per_second: 100,
    grace: Duration::from_secs(10),
};

/// Answers `/RATE/LENGTH` so many bytes at this rate.
async fn at_rate(ctx: &mut HttpContext) -> Result<(), ResponseError> {
    let path = ctx.request().path().to_owned();
    let (rate, length) = path[1..].split_once('/').unwrap();
    let feature = ctx.get::<MinResponseDataRate>().unwrap();
    match rate {
        "strict" => feature.set(Some(STRICT)),
        "lenient" => feature.set(Some(LENIENT)),
        "any" => feature.set(None),
        _ => assert_eq!(feature.rate(), Some(DataRate::DEFAULT)),
    }
    ctx.bytes("text/plain", vec![b'x'; length.parse().unwrap()])
}

/// What one send carries when these paths are asked for at once.
fn block<A, R>(peer: &mut Peer<A>, paths: &[&str]) -> Vec<u8>
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: crate::http::IntoOutcome + 'static,
{
    let request = |path: &&str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let input: String = paths.iter().map(request).collect();
    let slice = peer.pool.fill(input.as_bytes()).unwrap();
    peer.connection.receive(slice, &mut peer.resources);
    while let Drive::Dispatch(exchange) = peer.with(Connection::drive) {
        let application = Rc::clone(&peer.application);
        let connection = features::Connection::detached(Rc::default());
        let context = HttpContext::new(exchange, connection);
        peer.tasks.push(Box::pin(
            async move { process(&*application, context).await },
        ));
        peer.poll();
    }
    peer.with(Connection::next_send).unwrap()
}

fn sent<A, R>(peer: &mut Peer<A>, block: Vec<u8>)
where
    A: AsyncFn(&mut HttpContext) -> R + 'static,
    R: crate::http::IntoOutcome + 'static,
{
    peer.with(|connection, _, blocks| connection.sent(block, blocks));
    assert_eq!(peer.connection.send_deadline, u64::MAX);
}

#[test]
fn the_most_lenient_rate_of_a_block_holds() {
    const LONG: [(&[&str], Option<u64>); 9] = [
        (&["/default/24000"], Some(240)),
        (&["/strict/24000"], Some(1000)),
        (&["/strict/12000", "/strict/12000"], Some(1000)),
        (&["/default/12000", "/strict/12000"], Some(240)),
        (&["/strict/12000", "/default/12000"], Some(240)),
        (&["/strict/12000", "/lenient/12000"], Some(100)),
        (
            &["/default/9000", "/lenient/9000", "/strict/9000"],
            Some(100),
        ),
        (&["/any/12000", "/strict/12000"], None),
        (&["/default/9000", "/strict/9000", "/any/9000"], None),
    ];
    // One connection: no block leaves its rate to the next.
    let mut peer = Peer::new(at_rate);
    for (paths, rate) in LONG {
        peer.now += 1;
        let block = block(&mut peer, paths);
        let expected = rate.map_or(u64::MAX, |rate| peer.now + block.len() as u64 * 1000 / rate);
        assert_eq!(peer.connection.send_deadline, expected, "{paths:?}");
        sent(&mut peer, block);
    }
    peer.finish();
}

#[test]
fn the_longest_grace_of_a_block_holds() {
    const SHORT: [(&[&str], u64); 4] = [
        (&["/default/1"], 5_000),
        (&["/strict/1"], 2_000),
        (&["/strict/1", "/default/1"], 5_000),
        (&["/strict/1", "/lenient/1"], 10_000),
    ];
    let mut peer = Peer::new(at_rate);
    for (paths, grace) in SHORT {
        let block = block(&mut peer, paths);
        assert_eq!(peer.connection.send_deadline, grace, "{paths:?}");
        sent(&mut peer, block);
    }
    peer.finish();
}

#[test]
fn what_is_left_of_a_block_keeps_its_rate() {
    let mut peer = Peer::new(at_rate);
    let first = block(&mut peer, &["/strict/24000"]);
    // Meanwhile another is filled, with another rate.
    let request = b"GET /lenient/24000 HTTP/1.1\r\nHost: x\r\n\r\n";
    let slice = peer.pool.fill(request).unwrap();
    peer.connection.receive(slice, &mut peer.resources);
    assert!(matches!(peer.with(Connection::drive), Drive::Dispatch(_)));
    peer.now = 10_000;
    peer.with(|connection, turn, _| connection.sent_partly(9_000, turn));
    assert_eq!(peer.connection.send_deadline, 19_000);
    peer.now = 18_999;
    assert!(!peer.with(Connection::expire));
    peer.now = 19_000;
    assert!(peer.with(Connection::expire), "the peer is too slow");
    assert_eq!(peer.counters.rejected.get("response_rate_min"), Some(&1));
    sent(&mut peer, first);
    peer.finish();
}

#[test]
fn a_rate_holds_from_the_next_block_on() {
    let mut peer = Peer::new(async |ctx: &mut HttpContext| {
        ctx.write(vec![b'x'; 24_000]).await?;
        ctx.flush().await?;
        let feature = ctx.get::<MinResponseDataRate>().unwrap();
        feature.set(Some(STRICT));
        ctx.write(vec![b'x'; 24_000]).await
    });
    let first = block(&mut peer, &["/"]);
    let allowed = first.len() as u64 * 1000 / 240;
    assert_eq!(peer.connection.send_deadline, allowed);
    sent(&mut peer, first);
    peer.poll();
    assert!(matches!(peer.with(Connection::drive), Drive::Wait));
    let second = peer.with(Connection::next_send).unwrap();
    assert_eq!(peer.connection.send_deadline, second.len() as u64);
    sent(&mut peer, second);
    peer.finish();
}
