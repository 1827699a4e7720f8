//! For any octets, split in any way.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest, Just, Strategy};
use proptest::sample::{select, Index};
use proptest::{option, prop_oneof};

use super::{outs, redirected, Out, FORM, HOST, REDIRECT_URI};

/// Octets that are often requests, and often almost.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let word = select(vec![
        "GET ",
        "POST ",
        "HEAD ",
        "PUT ",
        "/cb",
        "/cb?a=b",
        "/",
        "http://127.0.0.1:51004/cb",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        "GET /cb?code=C1 HTTP/1.1\r\n",
        "POST /cb HTTP/1.1\r\n",
        HOST,
        HOST,
        HOST,
        FORM,
        FORM,
        "Host: evil\r\n",
        "Content-Length: 4\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "a=b&",
        "\r",
        "\n",
        ":",
        " ",
        "\0",
    ]);
    let whole = select(vec![
        "GET /favicon.ico HTTP/1.1\r\n",
        "GET /cb?a HTTP/1.1\r\n",
        "HEAD /cb HTTP/1.0\r\nConnection: keep-alive\r\n",
    ]);
    let piece = prop_oneof![
        4 => word.prop_map(|word| word.as_bytes().to_vec()),
        4 => whole.prop_map(|start| [start, HOST, "\r\n"].concat().into_bytes()),
        2 => Just(format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: 4\r\n\r\na=b&").into_bytes()),
        1 => vec(any::<u8>(), 0..4),
    ];
    let change = option::weighted(0.3, (any::<Index>(), any::<u8>()));
    (vec(piece, 0..8), change).prop_map(|(pieces, change)| {
        let mut octets = pieces.concat();
        if let Some((index, octet)) = change.filter(|_| !octets.is_empty()) {
            *index.get_mut(&mut octets) = octet;
        }
        octets
    })
}

/// The octets in pieces that end at these places.
fn split<'a>(octets: &'a [u8], ends: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end.index(octets.len() + 1)).chain([0, octets.len()]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| &octets[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn the_split_makes_no_difference(octets in octets(), ends in vec(any::<Index>(), 0..12)) {
        prop_assert_eq!(outs(REDIRECT_URI, split(&octets, &ends)), outs(REDIRECT_URI, [octets.as_slice()]));
    }

    #[test]
    fn only_the_last_answer_closes_and_every_redirect_is_at_the_redirect_uri(octets in octets()) {
        let (outs, written) = outs(REDIRECT_URI, [octets.as_slice()]);
        for (index, out) in outs.iter().enumerate() {
            match out {
                Out::Closed(_) => prop_assert_eq!(index, outs.len() - 1),
                Out::Open(status) => prop_assert!(*status == 404 || *status == 100),
                Out::Redirect(url) => {
                    let rest = url.strip_prefix(REDIRECT_URI);
                    prop_assert!(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?')), "{}", url);
                }
            }
        }
        prop_assert!(std::str::from_utf8(&written).is_ok());
    }

    #[test]
    fn any_query_passes_unchanged(query in "[!-\"$-~]{0,200}", head in any::<bool>()) {
        let request = format!("{} /cb?{query} HTTP/1.1\r\n{HOST}\r\n", if head { "HEAD" } else { "GET" });
        prop_assert_eq!(outs(REDIRECT_URI, [request.as_bytes()]).0, redirected(&format!("{REDIRECT_URI}?{query}")));
    }

    #[test]
    fn any_form_passes_unchanged(body in "\\PC{0,100}") {
        let request = format!("POST /cb HTTP/1.1\r\n{HOST}{FORM}Content-Length: {}\r\n\r\n{body}", body.len());
        let url = format!("{REDIRECT_URI}?{}", body.replace('#', "%23"));
        prop_assert_eq!(outs(REDIRECT_URI, [request.as_bytes()]).0, redirected(&url));
    }

    #[test]
    fn any_octets(octets in vec(any::<u8>(), 0..64), ends in vec(any::<Index>(), 0..4)) {
        prop_assert_eq!(outs(REDIRECT_URI, split(&octets, &ends)), outs(REDIRECT_URI, [octets.as_slice()]));
    }
}
