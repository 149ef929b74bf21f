//! What a client and the daemon say to each other over the socket, and the streams that travel with it.
//!
//! The client sends one request and with it its three streams; then it waits. The daemon carries the words out on
//! these streams, and answers with how it ended. Whoever hangs up first has given up.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

/// The longest request or answer, in bytes: no system takes a longer command line.
const MAX_MESSAGE_BYTES: usize = 4 * 1_024 * 1_024;
/// The streams that travel with a request: standard input, output and error.
const STREAMS: usize = 3;
/// How many bytes tell the length of a message.
const HEAD: usize = 4;

/// What a client asks for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The client's version: another one may mean something else by the same words.
    pub(super) version: String,
    /// The command line, the program's name first.
    pub(super) words: Vec<OsString>,
    /// The folder that the client stands in.
    pub(super) folder: OsString,
    /// Whether it wants colours at a terminal.
    pub(super) wants_colours: bool,
    /// The time zone that it goes by, if that has a name.
    pub(super) zone: Option<String>,
}

/// How it ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// With this exit code; everything else has been said on the streams.
    Ended(u8),
    /// It was not begun.
    Refused(String),
}

/// Sends a request with its streams.
pub(super) fn send_request(
    stream: &UnixStream,
    request: &Request,
    streams: [BorrowedFd<'_>; STREAMS],
) -> io::Result<()> {
    let message = serde_json::to_vec(request)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&streams)) {
        return Err(io::Error::other("the streams do not fit into a message"));
    }
    let head = head(&message)?;
    // The streams come with the first byte, so that four bytes are never sent in part.
    let sent = sendmsg(stream, &[IoSlice::new(&head)], &mut control, SendFlags::empty())?;
    let mut stream = stream;
    stream.write_all(head.get(sent..).unwrap_or_default())?;
    stream.write_all(&message)
}

/// Receives a request with its streams.
pub(super) fn receive_request(stream: &UnixStream) -> io::Result<(Request, [OwnedFd; STREAMS])> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut head = [0; HEAD];
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut head)], &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    let mut handed = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(streams) = message {
            handed.extend(streams);
        }
    }
    let mut stream = stream;
    stream.read_exact(head.get_mut(received..).unwrap_or_default())?;
    let request = serde_json::from_slice(&rest(stream, head)?)?;
    let streams = handed.try_into().map_err(|_| io::Error::other("a request came without its three streams"))?;
    Ok((request, streams))
}

/// Sends an answer.
pub(super) fn send_answer(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let message = serde_json::to_vec(answer)?;
    stream.write_all(&head(&message)?)?;
    stream.write_all(&message)
}

/// Waits for the answer.
pub(super) fn receive_answer(mut stream: &UnixStream) -> io::Result<Answer> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head)?;
    Ok(serde_json::from_slice(&rest(stream, head)?)?)
}

fn head(message: &[u8]) -> io::Result<[u8; HEAD]> {
    match u32::try_from(message.len()) {
        Ok(length) if message.len() <= MAX_MESSAGE_BYTES => Ok(length.to_le_bytes()),
        _ => Err(io::Error::other("the command line is too long for the daemon")),
    }
}

fn rest(mut stream: &UnixStream, head: [u8; HEAD]) -> io::Result<Vec<u8>> {
    let length = usize::try_from(u32::from_le_bytes(head)).unwrap_or(usize::MAX);
    if length > MAX_MESSAGE_BYTES {
        return Err(io::Error::other("a message is longer than any that is sent"));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Seek as _};
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn a_request_arrives_with_its_streams() {
        let (client, daemon) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let request = Request {
            version: "1".to_owned(),
            words: vec!["postroom".into(), "x".repeat(100_000).into()],
            folder: "/tmp".into(),
            wants_colours: true,
            zone: None,
        };
        let own = file.try_clone().unwrap();
        let sent = std::thread::spawn(move || {
            let stream = own.as_fd();
            send_request(&client, &request, [stream, stream, stream]).unwrap();
            receive_answer(&client).unwrap()
        });
        let (received, [_, answers, _]) = receive_request(&daemon).unwrap();
        assert_eq!(received.words.len(), 2);
        assert_eq!(received.words[1].len(), 100_000);
        File::from(answers).write_all(b"said").unwrap();
        send_answer(&daemon, &Answer::Ended(4)).unwrap();
        assert!(matches!(sent.join().unwrap(), Answer::Ended(4)));
        let mut said = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut said).unwrap();
        assert_eq!(said, "said");
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        let (mut client, daemon) = UnixStream::pair().unwrap();
        client.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(receive_request(&daemon).unwrap_err().to_string().contains("longer"));
        let (client, daemon) = UnixStream::pair().unwrap();
        drop(client);
        assert!(receive_request(&daemon).is_err());
        let (mut client, daemon) = UnixStream::pair().unwrap();
        client.write_all(&2_u32.to_le_bytes()).unwrap();
        client.write_all(b"{}").unwrap();
        assert!(receive_request(&daemon).is_err());
    }
}
