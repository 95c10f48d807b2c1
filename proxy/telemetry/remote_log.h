#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <vector>

#include "proxy/format/format.h"
#include "proxy/snapshot/telemetry.h"
#include "proxy/telemetry/sink.h"

namespace tidegate::proxy::telemetry {

/// An access log that a collector gets, compiled. Immutable.
class RemoteLogWriter {
 public:
  /// `wrong` says what is wrong with a format; empty: nothing.
  static RemoteLogWriter compile(const RemoteLog& config, std::string& wrong);
  /// From then on entries have somewhere to go.
  void connect(Sinks& sinks) { sink_ = sinks.get(Signal::kLogs, config_.collector); }

  void write(std::size_t worker, const format::Values& values) const;
  /// LogRecord, of OTLP. Source: opentelemetry-proto, logs.proto.
  void print_record(const format::Values& values, rpc::ProtoWriter& out) const;
  format::Needs needs() const;

 private:
  struct Member;
  /// AnyValue with formats for strings.
  struct Node {
    enum class Kind { kText, kArray, kObject };
    Kind kind = Kind::kText;
    format::Format text;
    std::vector<Member> members;
  };
  struct Member {
    std::string name;  // empty in an array
    Node value;
  };
  static Node compile_node(const boost::json::value& value, std::string& wrong);
  static void print_node(const Node& node, const format::Values& values, rpc::ProtoWriter& out);
  static void add_needs(const Node& node, format::Needs& out);

  RemoteLog config_;
  format::Format body_;
  Node attributes_;
  std::shared_ptr<const Sink> sink_;
};

}  // namespace tidegate::proxy::telemetry
